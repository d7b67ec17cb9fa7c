//! Turns text into the words under which it is found.
//!
//! Runs of letters and digits in lower case, without accents and plural endings. An identifier in camel case is
//! found whole and by its parts. Scripts that put no spaces between words give pairs of neighbouring characters.

use tantivy::tokenizer::{AsciiFoldingFilter, TextAnalyzer, Token, TokenStream, Tokenizer};

use super::stem::PluralFilter;

/// Longer words are cut: they are data, not language.
const LONGEST_WORD: usize = 128;

/// What the words are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// To be found: whatever one could search for.
    Passage,
    /// To find: no single characters where there are pairs, which say more.
    Query,
}

/// Makes the analyzer of passages or of queries.
pub(super) fn analyzer(purpose: Use) -> TextAnalyzer {
    let words = Words { purpose, ..Words::default() };
    TextAnalyzer::builder(words).filter(AsciiFoldingFilter).filter(PluralFilter).build()
}

/// The words of a query, each once, in the form in which passages have them.
pub fn words_of_query(text: &str) -> Vec<String> {
    let mut analyzer = analyzer(Use::Query);
    let mut words = Vec::new();
    analyzer.token_stream(text).process(&mut |token| words.push(token.text.clone()));
    words.sort_unstable();
    words.dedup();
    words
}

#[derive(Clone)]
struct Words {
    purpose: Use,
    token: Token,
    /// Where the parts of the last word end, if it has parts.
    parts: Vec<usize>,
}

impl Default for Words {
    fn default() -> Self {
        Self { purpose: Use::Passage, token: Token::default(), parts: Vec::new() }
    }
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        self.parts.clear();
        WordStream { words: self, text, at: 0, pending: Pending::Nothing }
    }
}

/// What comes before the text is read on.
#[derive(Clone, Copy)]
enum Pending {
    Nothing,
    /// The part with this number of the identifier that begins at `start`.
    Part {
        number: usize,
        start: usize,
    },
    /// The pair of characters that ends where the text was read to.
    Pair {
        start: usize,
    },
}

struct WordStream<'a> {
    words: &'a mut Words,
    text: &'a str,
    at: usize,
    pending: Pending,
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        self.words.token.text.clear();
        self.words.token.position = self.words.token.position.wrapping_add(1);
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Part { number, start } => {
                self.part(number, start);
                true
            }
            Pending::Pair { start } => {
                self.words.token.text.push_str(&self.text[start..self.at]);
                true
            }
            Pending::Nothing => self.next_word(),
        }
    }

    fn token(&self) -> &Token {
        &self.words.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.words.token
    }
}

impl WordStream<'_> {
    fn next_word(&mut self) -> bool {
        while let Some(character) = self.peek() {
            if is_unspaced(character) {
                if self.unspaced(character) {
                    return true;
                }
            } else if character.is_alphanumeric() {
                self.spaced();
                return true;
            } else {
                self.at += character.len_utf8();
            }
        }
        false
    }

    fn peek(&self) -> Option<char> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte.is_ascii() { Some(char::from(byte)) } else { self.text[self.at..].chars().next() }
    }

    /// Reads a word of a script with spaces.
    fn spaced(&mut self) {
        let start = self.at;
        self.words.parts.clear();
        self.ascii_letters(start);
        while let Some(character) = self.peek().filter(|character| continues_word(*character)) {
            if self.words.token.text.len() < LONGEST_WORD && !is_combining(character) {
                self.words.token.text.extend(character.to_lowercase());
            }
            self.at += character.len_utf8();
        }
        if !self.words.parts.is_empty() {
            self.words.parts.push(self.at);
            self.pending = Pending::Part { number: 0, start };
        }
    }

    /// Reads letters and digits of ASCII, which is most of what there is to read.
    fn ascii_letters(&mut self, start: usize) {
        let bytes = &self.text.as_bytes()[start..];
        let length = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(bytes.len());
        let word = &self.text[start..start + length];
        self.at = start + length;
        self.words.token.text.push_str(&word[..length.min(LONGEST_WORD)]);
        if bytes[..length].iter().any(u8::is_ascii_uppercase) {
            self.words.token.text.make_ascii_lowercase();
            let part_begins = |index: &usize| begins_part(&bytes[..length], *index);
            self.words.parts.extend((1..length).filter(part_begins).map(|index| start + index));
        }
    }

    fn part(&mut self, number: usize, start: usize) {
        let parts = &self.words.parts;
        let begin = if number == 0 { start } else { parts[number - 1] };
        let part = &self.text[begin..parts[number]];
        let more = number + 1 < parts.len();
        let letters = part.chars().filter(|letter| !is_combining(*letter)).take(LONGEST_WORD);
        self.words.token.text.extend(letters.flat_map(char::to_lowercase));
        if more {
            self.pending = Pending::Part { number: number + 1, start };
        }
    }

    /// Reads a character of a script without spaces. Gives whether there is a word now.
    fn unspaced(&mut self, character: char) -> bool {
        let start = self.at;
        let before = self.text[..start].chars().next_back().filter(|before| is_unspaced(*before));
        self.at += character.len_utf8();
        let pair = before.map(|before| start - before.len_utf8());
        if self.words.purpose == Use::Passage || (pair.is_none() && !self.peek().is_some_and(is_unspaced)) {
            self.words.token.text.push(character);
            if let Some(start) = pair {
                self.pending = Pending::Pair { start };
            }
            return true;
        }
        if let Some(start) = pair {
            self.words.token.text.push_str(&self.text[start..self.at]);
        }
        pair.is_some()
    }
}

/// Whether a part of an identifier begins here: `get|Http`, `HTTP|Response`.
fn begins_part(word: &[u8], index: usize) -> bool {
    let before = word[index - 1];
    word[index].is_ascii_uppercase()
        && (before.is_ascii_lowercase()
            || (before.is_ascii_uppercase() && word.get(index + 1).is_some_and(u8::is_ascii_lowercase)))
}

fn continues_word(character: char) -> bool {
    (character.is_alphanumeric() && !is_unspaced(character)) || is_combining(character)
}

/// Accents that stand as characters of their own.
fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// Scripts that put no spaces between words, and Hangul, whose words carry their particles with them.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0e01}'..='\u{0e4e}' // Thai
        | '\u{0e81}'..='\u{0ecd}' // Lao
        | '\u{1000}'..='\u{1049}' // Burmese
        | '\u{1780}'..='\u{17d3}' // Khmer
        | '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9d}' // Kana
        | '\u{3005}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' // Han
        | '\u{ac00}'..='\u{d7a3}') // Hangul
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn passage(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        analyzer(Use::Passage).token_stream(text).process(&mut |token| words.push(token.text.clone()));
        words
    }

    #[test]
    fn words_are_found_in_any_case_with_or_without_accents() {
        assert_eq!(passage("Crème BRÛLÉE, naïve"), ["creme", "brulee", "naive"]);
        assert_eq!(passage("cre\u{301}me"), ["creme"]);
        assert_eq!(passage("ПРИВЕТ, Мир"), ["привет", "мир"]);
    }

    #[test]
    fn identifiers_are_found_whole_and_by_their_parts() {
        assert_eq!(passage("getHTTPResponse()"), ["gethttpresponse", "get", "http", "response"]);
        assert_eq!(passage("max_num_results"), ["max", "num", "result"]);
        assert_eq!(passage("sha256 README"), ["sha256", "readme"]);
    }

    #[test]
    fn scripts_without_spaces_give_characters_and_pairs() {
        assert_eq!(passage("東京都 abc"), ["東", "京", "東京", "都", "京都", "abc"]);
        assert_eq!(words_of_query("東京都"), ["京都", "東京"]);
        assert_eq!(words_of_query("猫"), ["猫"]);
        assert_eq!(words_of_query("猫 rust猫"), ["rust", "猫"]);
    }

    #[test]
    fn a_very_long_word_is_cut_the_same_way_in_passages_and_queries() {
        let long = "a".repeat(1000);
        assert_eq!(passage(&long), words_of_query(&long));
        assert_eq!(passage(&long)[0].len(), LONGEST_WORD);
    }

    #[test]
    fn a_query_has_each_word_once() {
        assert_eq!(words_of_query("the cat and The cats"), ["and", "cat", "the"]);
        assert!(words_of_query(" ?! ").is_empty());
    }

    #[test]
    fn positions_rise() {
        let mut positions = Vec::new();
        analyzer(Use::Passage).token_stream("one twoThree 東京").process(&mut |t| positions.push(t.position));
        assert_eq!(positions, (0..positions.len()).collect::<Vec<_>>());
    }
}
