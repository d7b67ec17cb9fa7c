//! Cuts a text into the words that a tokenizer looks at one by one.
//!
//! Tokenizers do this with a regular expression, which takes most of their time. Here are the same rules by
//! hand. A token never reaches over the end of such a word, and words don't depend on what stands before
//! them: so a text that is cut between two words mostly has as many tokens as its parts ([`is_border`]).

use super::letters::{Letter, at};

/// Whose rules to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Those of GPT-4 and of OpenAI's embedding models.
    Cl100k,
    /// Those of newer models.
    O200k,
}

impl Rules {
    /// Where the word ends that begins at `start`, which is before the end of the text.
    pub(super) fn word_end(self, text: &str, start: usize) -> usize {
        let Some((first, second)) = at(text, start) else { return text.len() };
        match self {
            Self::Cl100k => cl100k(text, start, first, second),
            Self::O200k => o200k(text, start, first, second),
        }
    }
}

/// Whether a text may be cut after `word`, with the same tokens in its parts.
///
/// Blanks that are one word at the end of a text may be several where something follows, so there is no
/// border but after the first of these.
pub(super) fn is_border(before: &str, word: &str) -> bool {
    !(is_blank(before) && is_blank(word))
}

fn is_blank(word: &str) -> bool {
    word.chars().all(char::is_whitespace)
}

fn cl100k(text: &str, start: usize, first: Letter, second: usize) -> usize {
    if let Some(end) = contraction(text, start) {
        return end;
    }
    let lead = if first.may_lead() { second } else { start };
    let end = run(text, lead, |letter| letter.is(Letter::LETTER));
    if end > lead {
        return end;
    }
    if let Some(end) = number(text, start).or_else(|| signs(text, start, second, b"\r\n")) {
        return end;
    }
    let end = run(text, start, |letter| letter.is(Letter::SPACE));
    if end == text.len() { end } else { blanks(text, start, end) }
}

fn o200k(text: &str, start: usize, first: Letter, second: usize) -> usize {
    let leads = [first.may_lead().then_some(second), Some(start)];
    let found = leads
        .iter()
        .flatten()
        .find_map(|lead| ending_low(text, *lead))
        .or_else(|| leads.iter().flatten().find_map(|lead| all_upper(text, *lead)));
    if let Some(end) = found {
        return contraction(text, end).unwrap_or(end);
    }
    if let Some(end) = number(text, start).or_else(|| signs(text, start, second, b"\r\n/")) {
        return end;
    }
    let end = run(text, start, |letter| letter.is(Letter::SPACE));
    blanks(text, start, end)
}

/// `[UPPER]*[LOWER]+`. Some letters are in both sets, and the first part gives them up where it has to.
fn ending_low(text: &str, start: usize) -> Option<usize> {
    let (mut position, mut last_of_both) = (start, None);
    while let Some((letter, next)) = at(text, position).filter(|(letter, _)| letter.is(Letter::UPPER)) {
        if letter.is(Letter::LOWER) {
            last_of_both = Some(next);
        }
        position = next;
    }
    let end = run(text, position, |letter| letter.is(Letter::LOWER));
    if end > position { Some(end) } else { last_of_both }
}

/// `[UPPER]+`, where nothing of the other set follows.
fn all_upper(text: &str, start: usize) -> Option<usize> {
    let end = run(text, start, |letter| letter.is(Letter::UPPER));
    (end > start).then_some(end)
}

/// `\p{N}{1,3}`
fn number(text: &str, start: usize) -> Option<usize> {
    let mut end = start;
    for _ in 0..3 {
        let Some((_, next)) = at(text, end).filter(|(letter, _)| letter.is(Letter::NUMBER)) else { break };
        end = next;
    }
    (end > start).then_some(end)
}

/// ` ?[^\s\p{L}\p{N}]+` and what of `then` follows.
fn signs(text: &str, start: usize, second: usize, then: &[u8]) -> Option<usize> {
    let after_space = text.as_bytes().get(start) == Some(&b' ');
    let begin = if after_space { second } else { start };
    let end = run(text, begin, Letter::is_sign);
    if end == begin {
        return None;
    }
    let after = text.as_bytes()[end..].iter().take_while(|byte| then.contains(byte)).count();
    Some(end + after)
}

/// Blanks from `start` to `end`: up to the last line break, else all but the one that belongs to what comes
/// next.
fn blanks(text: &str, start: usize, end: usize) -> usize {
    let run = &text[start..end];
    if let Some(last_break) = run.rfind(['\r', '\n']) {
        return start + last_break + 1;
    }
    match run.char_indices().next_back() {
        Some((last, _)) if last > 0 && end < text.len() => start + last,
        _ => end,
    }
}

/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
fn contraction(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?.strip_prefix('\'')?;
    let mut letters = rest.chars();
    let (one, two) = (letters.next()?, letters.next());
    let length = match (one.to_ascii_lowercase(), two.map(|letter| letter.to_ascii_lowercase())) {
        // The long s is an s, too, for whoever takes capitals for small letters.
        ('s' | 't' | 'm' | 'd' | 'ſ', _) => one.len_utf8(),
        ('r' | 'v', Some('e')) | ('l', Some('l')) => 2,
        _ => return None,
    };
    Some(start + 1 + length)
}

fn run(text: &str, start: usize, belongs: impl Fn(Letter) -> bool) -> usize {
    let mut position = start;
    while let Some((_, next)) = at(text, position).filter(|(letter, _)| belongs(*letter)) {
        position = next;
    }
    position
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use tiktoken_rs::{cl100k_base_singleton, o200k_base_singleton};

    use super::*;

    fn words(rules: Rules, text: &str) -> Vec<&str> {
        let mut start = 0;
        let mut found = Vec::new();
        while start < text.len() {
            let end = rules.word_end(text, start);
            assert!(end > start);
            found.push(&text[start..end]);
            start = end;
        }
        found
    }

    /// The tokenizers don't show their words, but show their tokens.
    fn check(text: &str) {
        for (rules, real) in
            [(Rules::O200k, o200k_base_singleton()), (Rules::Cl100k, cl100k_base_singleton())]
        {
            let whole = real.encode_ordinary(text);
            let words = words(rules, text);
            let parts: Vec<u32> = words.iter().flat_map(|word| real.encode_ordinary(word)).collect();
            assert_eq!(parts, whole, "{rules:?} {words:?}");
        }
    }

    #[test]
    fn words_are_those_of_the_tokenizer() {
        let words = |text| words(Rules::O200k, text);
        assert_eq!(
            words("Hello, big  world!\n\n  x"),
            ["Hello", ",", " big", " ", " world", "!\n\n", " ", " x"]
        );
        assert_eq!(words("HTMLParser isn't I'LL 12345"), ["HTMLParser", " isn't", " I'LL", " ", "123", "45"]);
        assert_eq!(words("camelCase中文ABC"), ["camel", "Case中文", "ABC"]);
    }

    #[test]
    fn tricky_texts_have_the_tokens_of_the_tokenizer() {
        for text in [
            "\u{301}ABC x\u{301}y",
            "a'ſ b'Sc 'llama 'LL",
            "   \n \t\n  x   ",
            " \u{3000} 中\u{a0}文 …//\r\n/ //\n",
            "fn main() {\n    println!(\"{}\", 1_000);\n}\r\n\r\n",
            "ǅ ǅabc ABCǅ ʰABC ABCʰ",
            "１２３４५६ ½Ⅻ",
            "👩‍👩‍👧‍👦 e\u{301}E\u{301}x",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_the_tokens_of_the_tokenizer(
            text in "(\\PC|[ \r\n\t'aAsSlLvVeE0/.中ʰǅ\u{301}]){0,60}"
        ) {
            check(&text);
        }

        #[test]
        fn a_cut_between_words_changes_no_tokens(
            text in "[ \r\n\t'aAslv0/.中\u{301}]{0,40}", cut in 0usize..30
        ) {
            for (rules, real) in
                [(Rules::O200k, o200k_base_singleton()), (Rules::Cl100k, cl100k_base_singleton())]
            {
                let words = words(rules, &text);
                let border: usize = words.iter().take(cut).map(|word| word.len()).sum();
                let cut = cut.min(words.len());
                let last = |back: usize| cut.checked_sub(back).map_or("x", |index| words[index]);
                if is_border(last(2), last(1)) {
                    let (before, after) = text.split_at(border);
                    let sum = real.count_ordinary(before) + real.count_ordinary(after);
                    prop_assert_eq!(sum, real.count_ordinary(&text));
                }
            }
        }
    }
}
