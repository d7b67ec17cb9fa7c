//! The pieces that chunks are put together from: words, and parts of words that are too long.

use super::{
    tokens::{Counting, TokenCounter},
    words::{Rules, is_border},
};

/// Longer words are cut: a million letters without a blank would be one otherwise.
const LONGEST_WORD: usize = 512;
/// The length of the parts of such a word.
const PART: usize = 64;
/// A character has no more bytes than this, and no more tokens than bytes.
pub(super) const LONGEST_CHARACTER: u32 = 4;

/// A piece of a text that is never cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its tokens.
    pub tokens: u32,
    /// The most tokens that it adds to a chunk. The parts of a word, put together, may have more tokens than
    /// each by itself, but never more than bytes.
    pub weight: u32,
    /// How good a place its end is to end a chunk.
    pub border: Border,
}

/// Better ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Border {
    /// A chunk that ends here may have other tokens than counted.
    Inexact,
    /// Between two words.
    Word,
    /// After a full stop or its like.
    Sentence,
    /// At the end of a line.
    Line,
    /// Before an empty line.
    Paragraph,
}

/// The units of a text, in their order.
pub(super) struct Units<'a> {
    text: &'a str,
    rules: Rules,
    counting: Counting<'a>,
    most: u32,
    position: usize,
    /// Where the last word began.
    before: usize,
    /// Where the word ends that is being cut.
    long_word: usize,
}

impl<'a> Units<'a> {
    /// No unit has more than `most` tokens, unless a single character has.
    pub(super) fn new(text: &'a str, counter: &'a TokenCounter, most: u32) -> Self {
        Self {
            text,
            rules: counter.rules(),
            counting: counter.begin(),
            most,
            position: 0,
            before: 0,
            long_word: 0,
        }
    }

    /// The tokens of any text, as the tokenizer itself counts them.
    pub(super) fn really(&self, text: &str) -> u32 {
        self.counting.really(text)
    }

    fn part_of_word(&mut self, start: usize) -> Unit {
        let longest = PART.min(self.most as usize);
        let mut end = self.long_word.min(start + longest);
        end = self.text.floor_char_boundary(end);
        if end <= start {
            end = self.text.ceil_char_boundary(start + 1);
        }
        self.position = end;
        let border = if end == self.long_word { self.border(start, end) } else { Border::Inexact };
        let part = &self.text[start..end];
        Unit { start, end, tokens: self.counting.of_word(part), weight: weight(part), border }
    }

    fn border(&mut self, start: usize, end: usize) -> Border {
        let before = std::mem::replace(&mut self.before, start);
        if before < start && !is_border(&self.text[before..start], &self.text[start..end]) {
            return Border::Inexact;
        }
        let word = &self.text.as_bytes()[start..end];
        let mut breaks = word.iter().rev().filter(|byte| **byte == b'\n');
        match (breaks.next(), breaks.next()) {
            (Some(_), Some(_)) => Border::Paragraph,
            (Some(_), None) => Border::Line,
            _ if ends_sentence(&self.text[start..end]) => Border::Sentence,
            _ => Border::Word,
        }
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let start = self.position;
        if start >= self.text.len() {
            return None;
        }
        if start < self.long_word {
            return Some(self.part_of_word(start));
        }
        let end = self.rules.word_end(self.text, start);
        let word = &self.text[start..end];
        if word.len() <= LONGEST_WORD {
            let tokens = self.counting.of_word(word);
            if tokens <= self.most {
                self.position = end;
                return Some(Unit { start, end, tokens, weight: tokens, border: self.border(start, end) });
            }
        }
        self.long_word = end;
        Some(self.part_of_word(start))
    }
}

fn weight(part: &str) -> u32 {
    u32::try_from(part.len()).unwrap_or(u32::MAX)
}

fn ends_sentence(word: &str) -> bool {
    word.ends_with(['.', '!', '?', '。', '！', '？'])
}
