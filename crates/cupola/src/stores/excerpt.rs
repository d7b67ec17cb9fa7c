//! The part of a passage that says most about a query, and its words.

/// What a query asks for.
#[derive(Debug)]
pub struct Terms(Vec<String>);

impl Terms {
    /// The words of a query.
    pub fn of(query: &str) -> Self {
        let words = query.split(|character: char| !character.is_alphanumeric());
        Self(words.filter(|word| word.chars().count() > 1).map(str::to_lowercase).collect())
    }

    /// Whether this is one of the words, in whatever form: `refunds` where `refund` was asked for.
    pub fn has(&self, word: &str) -> bool {
        self.find(word).is_some()
    }

    fn find(&self, word: &str) -> Option<usize> {
        let word = word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase();
        self.0.iter().position(|term| is_form_of(&word, term))
    }
}

/// Whether one of both is the other with an ending of at most three letters.
fn is_form_of(word: &str, term: &str) -> bool {
    let (short, long) = if word.len() < term.len() { (word, term) } else { (term, word) };
    let stem = short.chars().count();
    let is_near = stem >= 3 && long.chars().count() - stem <= 3;
    word == term || (is_near && long.starts_with(short))
}

/// The part of the text that says most, in at most `room` characters and on one line.
pub fn excerpt(text: &str, terms: &Terms, room: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let part = best_part(&words, terms, room);
    let (first, last) = (part.start == 0, part.end == words.len());
    format!("{}{}{}", if first { "" } else { "… " }, words[part].join(" "), if last { "" } else { " …" })
}

fn best_part(words: &[&str], terms: &Terms, room: usize) -> std::ops::Range<usize> {
    let found: Vec<Option<usize>> = words.iter().map(|word| terms.find(word)).collect();
    // A word that stands everywhere says little.
    let mut times = vec![0_u32; terms.0.len()];
    found.iter().flatten().for_each(|term| times[*term] += 1);
    let value = |range: &std::ops::Range<usize>| {
        let mut seen = vec![false; times.len()];
        found[range.clone()].iter().flatten().for_each(|term| seen[*term] = true);
        let values =
            seen.iter().zip(&times).filter(|(seen, _)| **seen).map(|(_, times)| 1.0 / f64::from(*times));
        values.sum::<f64>()
    };
    let parts: Vec<_> = (0..words.len()).map(|start| start..end_of(words, start, room)).collect();
    let values: Vec<f64> = parts.iter().map(value).collect();
    let best = values.iter().copied().fold(0.0, f64::max);
    let is_best = |value: &f64| *value >= best;
    // Of equally good ones that overlap, the one in the middle shows what stands around.
    let first = values.iter().position(is_best).unwrap_or(0);
    let run = values[first..].iter().take_while(|value| is_best(value)).count();
    let middle = if best > 0.0 { first + run / 2 } else { first };
    // Near the end of the text there may be room in front.
    let whole_end = (0..=middle).find(|start| end_of(words, *start, room) == words.len());
    let start = whole_end.unwrap_or(middle);
    start..end_of(words, start, room)
}

fn end_of(words: &[&str], start: usize, room: usize) -> usize {
    let mut left = room;
    let fits = words[start..].iter().take_while(|word| {
        let length = word.chars().count() + 1;
        let fits = length <= left + 1;
        left = left.saturating_sub(length);
        fits
    });
    // A word that is too long by itself is shown all the same.
    (start + fits.count()).max(start + 1).min(words.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, query: &str, room: usize) -> String {
        excerpt(text, &Terms::of(query), room)
    }

    #[test]
    fn a_short_text_is_shown_as_a_whole() {
        assert_eq!(shown("one\n two  three", "two", 80), "one two three");
        assert_eq!(shown("", "two", 80), "");
    }

    #[test]
    fn what_is_asked_for_stands_in_the_middle() {
        let text = format!("{} the refund is paid {}", "lorem ".repeat(50), "ipsum ".repeat(50));
        let shown = shown(&text, "refunds", 60);
        assert!(shown.starts_with("… lorem") && shown.ends_with("ipsum …"), "{shown}");
        assert!(shown.contains("the refund is paid"), "{shown}");
        assert!(shown.chars().count() <= 60 + 4, "{shown}");
    }

    #[test]
    fn rare_words_count_more_than_those_that_stand_everywhere() {
        let text = format!("{}the furnace {}", "the sea ".repeat(40), "the sea ".repeat(40));
        assert!(shown(&text, "the furnace", 40).contains("furnace"));
    }

    #[test]
    fn the_end_of_a_text_fills_its_room() {
        let text = format!("{}refund", "lorem ".repeat(50));
        assert_eq!(shown(&text, "refund", 30), "… lorem lorem lorem lorem refund");
    }

    #[test]
    fn a_word_is_known_in_its_forms() {
        let terms = Terms::of("What about refunds, in a year?");
        for (word, is_one) in [
            ("Refund.", true),
            ("refunds", true),
            ("refundable", false),
            ("years", true),
            ("yearly", true),
            ("a", false),
            ("int", false),
        ] {
            assert_eq!(terms.has(word), is_one, "{word}");
        }
    }
}
