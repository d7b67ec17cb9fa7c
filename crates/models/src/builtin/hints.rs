//! Values that a user's text offers: quotes, numbers, names, and what stands after "in", "for", "to", ….

use std::sync::LazyLock;

use regex::Regex;

/// Values found in a text. Each is used once, so that two parameters get two of them.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    text: String,
    phrases: Vec<Phrase>,
    numbers: Vec<f64>,
}

/// A piece of text that may be a value.
#[derive(Debug)]
struct Phrase {
    text: String,
    /// The word before it: "in", "from", …; empty if there is none.
    after: String,
    rank: Rank,
}

/// How likely a phrase is a value; the smaller the likelier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Quoted,
    NameAfterWord,
    Name,
    AfterWord,
}

const LEADING_WORDS: &str = "\
    in for at to of from about into";
const ENDING_WORDS: &str = "\
    and or but with by on as what how when where who which please then that is are if using \
    today tomorrow tonight now right like";
const ARTICLES: &str = "\
    the a an my our your this that";
const LONGEST_PHRASE: usize = 4;

static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| fixed(r#""([^"]+)"|“([^”]+)”|`([^`]+)`|(?:^|[\s(])'([^']+)'(?:$|[\s).,!?])"#));
static EMAIL: LazyLock<Regex> = LazyLock::new(|| fixed(r"[\w.+-]+@[\w-]+\.[\w.-]*\w"));
static URL: LazyLock<Regex> = LazyLock::new(|| fixed(r"https?://[^\s<>]*[^\s<>.,;:!?)]"));
static DATE: LazyLock<Regex> = LazyLock::new(|| fixed(r"\b\d{4}-\d{2}-\d{2}\b"));
static ARITHMETIC: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"[\d(][\d\s.()]*(?:[-+*/^%]\s*[\d(][\d\s.()]*)+"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?:^|[\s($€£#=])(-?\d+(?:[.,]\d+)*)"));

fn fixed(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is part of the program and tested")
}

impl Hints {
    /// Finds the values in a text.
    pub(crate) fn read(text: &str) -> Self {
        let mut phrases: Vec<Phrase> = QUOTED
            .captures_iter(text)
            .filter_map(|quote| quote.iter().skip(1).flatten().next())
            .map(|quoted| Phrase {
                text: quoted.as_str().to_owned(),
                after: String::new(),
                rank: Rank::Quoted,
            })
            .collect();
        phrases.extend(phrases_of(&QUOTED.replace_all(text, " . ")));
        phrases.sort_by_key(|phrase| phrase.rank);
        Self { text: text.to_owned(), phrases, numbers: numbers_of(text) }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The next unused number that is accepted.
    pub(crate) fn number(&mut self, accept: impl Fn(f64) -> bool) -> Option<f64> {
        let at = self.numbers.iter().position(|number| accept(*number))?;
        Some(self.numbers.remove(at))
    }

    /// The next unused quote.
    pub(crate) fn quote(&mut self) -> Option<String> {
        let at = self.phrases.iter().position(|phrase| phrase.rank == Rank::Quoted)?;
        Some(self.phrases.remove(at).text)
    }

    /// The likeliest unused phrase for a parameter of this name that is accepted. Unless `any` will do,
    /// it must be a quote, a name, or stand after the word that belongs to such parameters.
    pub(crate) fn phrase(&mut self, name: &str, any: bool, accept: impl Fn(&str) -> bool) -> Option<String> {
        let hint_word = word_before_values_of(name);
        let belongs = |phrase: &Phrase| hint_word.is_some_and(|word| phrase.after == word);
        let likely = |phrase: &Phrase| any || phrase.rank != Rank::AfterWord;
        let mut phrases = self.phrases.iter().filter(|phrase| accept(&phrase.text));
        let best =
            phrases.clone().find(|phrase| belongs(phrase)).or_else(|| phrases.find(|phrase| likely(phrase)));
        let text = best?.text.clone();
        self.use_up(&text);
        Some(text)
    }

    /// This has become a value: however often it was found, it is not another one.
    pub(crate) fn use_up(&mut self, text: &str) {
        self.phrases.retain(|phrase| !phrase.text.eq_ignore_ascii_case(text));
    }

    /// Something in the text of the form that the parameter's name or format asks for.
    pub(crate) fn formed(&self, name: &str, format: &str) -> Option<String> {
        let name = name.to_lowercase();
        let asks = |words: &[&str]| words.iter().any(|word| format == *word || name.contains(word));
        let found = if asks(&["email"]) {
            EMAIL.find(&self.text)
        } else if asks(&["uri", "url"]) {
            URL.find(&self.text)
        } else if asks(&["date"]) {
            DATE.find(&self.text)
        } else if asks(&["expression", "formula", "calculation"]) {
            ARITHMETIC.find_iter(&self.text).find(|found| !DATE.is_match(found.as_str()))
        } else {
            None
        };
        found.map(|found| found.as_str().trim().to_owned())
    }

    /// Whether the text has this word or these words.
    pub(crate) fn mentions(&self, words: &str) -> bool {
        let plain = |text: &str| {
            let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
            format!(" {} ", plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let words = plain(words);
        !words.trim().is_empty() && plain(&self.text).contains(&words)
    }
}

/// `origin` is what stands after "from", `destination` what stands after "to".
fn word_before_values_of(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if any(&["from", "origin", "source", "departure"]) {
        Some("from")
    } else if name == "to" || any(&["to_", "_to", "dest", "target", "recipient", "arrival"]) {
        Some("to")
    } else if any(&["city", "location", "place", "country", "region"]) {
        Some("in")
    } else {
        None
    }
}

fn numbers_of(text: &str) -> Vec<f64> {
    let numbers = NUMBER.captures_iter(text).filter_map(|number| number.get(1));
    numbers.filter_map(|number| number.as_str().replace(',', "").parse().ok()).collect()
}

/// A word of the text, without the punctuation around it.
struct Word<'a> {
    text: &'a str,
    /// A sentence or a clause ends after it.
    ends: bool,
    /// It begins a sentence, where every word is capitalised.
    first: bool,
}

impl Word<'_> {
    fn is_name(&self) -> bool {
        self.text.starts_with(char::is_uppercase) && self.text != "I" && !self.text.starts_with("I'")
    }

    fn lower(&self) -> String {
        self.text.to_lowercase()
    }

    fn is_one_of(&self, list: &str) -> bool {
        let word = self.lower();
        list.split(' ').any(|listed| listed == word)
    }
}

fn phrases_of(text: &str) -> Vec<Phrase> {
    let words = words_of(text);
    let mut phrases = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let leads = words[at].is_one_of(LEADING_WORDS) && !words[at].ends;
        let start = if leads { after_articles(&words, at + 1) } else { at };
        let length = if start < words.len() { phrase_length(&words[start..], leads) } else { 0 };
        if length == 0 {
            at += 1;
            continue;
        }
        let phrase = &words[start..start + length];
        let rank = match (phrase[0].is_name(), leads) {
            (true, true) => Rank::NameAfterWord,
            (true, false) => Rank::Name,
            (false, _) => Rank::AfterWord,
        };
        let after = if leads { words[at].lower() } else { String::new() };
        phrases.push(Phrase { text: joined(phrase), after, rank });
        at = start + length;
    }
    phrases
}

fn after_articles(words: &[Word<'_>], start: usize) -> usize {
    start + words[start.min(words.len())..].iter().take_while(|word| word.is_one_of(ARTICLES)).count()
}

/// How many words from here on are one value: a name, or after a leading word also other words.
fn phrase_length(words: &[Word<'_>], leads: bool) -> usize {
    let first = &words[0];
    let named = first.is_name() && (leads || !first.first);
    if !(named || leads)
        || first.text.is_empty()
        || first.is_one_of(LEADING_WORDS)
        || first.is_one_of(ENDING_WORDS)
    {
        return 0;
    }
    let mut length = 1;
    while length < LONGEST_PHRASE && length < words.len() {
        let (last, next) = (&words[length - 1], &words[length]);
        // "Seattle, WA" is one name.
        let region = last.ends && named && next.text.len() == 2 && next.text.chars().all(char::is_uppercase);
        let stops = last.ends
            || next.text.is_empty()
            || next.is_one_of(LEADING_WORDS)
            || next.is_one_of(ENDING_WORDS);
        if (stops && !region) || (named && !next.is_name()) {
            break;
        }
        length += 1;
    }
    length
}

fn joined(words: &[Word<'_>]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push_str(if words[at - 1].ends { ", " } else { " " });
        }
        text.push_str(word.text);
    }
    text
}

fn words_of(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut first = true;
    for raw in text.split_whitespace() {
        let text = raw.trim_matches(|c: char| !c.is_alphanumeric());
        let text = text.strip_suffix("'s").or_else(|| text.strip_suffix("’s")).unwrap_or(text);
        let ends = raw.ends_with([',', '.', ';', ':', '!', '?', ')']);
        words.push(Word { text, ends, first });
        first = raw.ends_with(['.', '!', '?', ':']);
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn phrase(text: &str, name: &str) -> Option<String> {
        Hints::read(text).phrase(name, true, |_| true)
    }

    #[test]
    fn a_place_is_found() {
        for (text, place) in [
            ("What's the weather like in New York and what time is it?", "New York"),
            ("weather for Seattle, WA please", "Seattle, WA"),
            ("Is Berlin's weather nice?", "Berlin"),
            ("how is the weather in paris?", "paris"),
            ("Weather in the United Kingdom, today", "United Kingdom"),
        ] {
            assert_eq!(phrase(text, "location").as_deref(), Some(place), "{text}");
        }
        assert_eq!(phrase("What is the weather?", "location"), None);
    }

    #[test]
    fn quotes_come_first() {
        assert_eq!(phrase(r#"Write "see you" to Bob"#, "text").as_deref(), Some("see you"));
        assert_eq!(phrase("It's 'so so', isn't it", "text").as_deref(), Some("so so"));
    }

    #[test]
    fn from_and_to_are_told_apart() {
        let mut hints = Hints::read("Book a flight to Rome from Oslo");
        assert_eq!(hints.phrase("origin", true, |_| true).as_deref(), Some("Oslo"));
        assert_eq!(hints.phrase("destination", true, |_| true).as_deref(), Some("Rome"));
        assert_eq!(hints.phrase("airline", true, |_| true), None);
    }

    #[test]
    fn numbers_are_found_once_each() {
        let mut hints = Hints::read("Add 2, -3.5 and 1,000 to $7; not v8");
        let mut numbers = Vec::new();
        while let Some(number) = hints.number(|_| true) {
            numbers.push(number);
        }
        assert_eq!(numbers, [2.0, -3.5, 1000.0, 7.0]);
    }

    #[test]
    fn values_of_a_form_are_found() {
        let hints =
            Hints::read("On 2026-11-20 mail ann@example.org about https://example.org/x: 3 * (4+5) is?");
        assert_eq!(hints.formed("to_email", "").as_deref(), Some("ann@example.org"));
        assert_eq!(hints.formed("link", "uri").as_deref(), Some("https://example.org/x"));
        assert_eq!(hints.formed("date", "").as_deref(), Some("2026-11-20"));
        assert_eq!(hints.formed("expression", "").as_deref(), Some("3 * (4+5)"));
        assert_eq!(hints.formed("title", ""), None);
    }

    #[test]
    fn whole_words_are_mentioned_not_parts() {
        let hints = Hints::read("High-priority, in Celsius!");
        assert!(hints.mentions("celsius") && hints.mentions("high priority") && hints.mentions("high"));
        assert!(!hints.mentions("hi") && !hints.mentions(""));
    }
}
