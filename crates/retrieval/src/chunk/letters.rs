//! What kind of character a tokenizer takes a character for.
//!
//! The tables are those of the regular expressions that the tokenizers themselves are written in, so both
//! always mean the same version of Unicode.

use std::sync::OnceLock;

use regex_syntax::hir::{Class, HirKind};

/// Sets of characters that the patterns of tokenizers name, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter(u8);

impl Letter {
    /// `\p{L}`
    pub(super) const LETTER: u8 = 1;
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
    pub(super) const UPPER: u8 = 1 << 1;
    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
    pub(super) const LOWER: u8 = 1 << 2;
    /// `\p{N}`
    pub(super) const NUMBER: u8 = 1 << 3;
    /// `\s`
    pub(super) const SPACE: u8 = 1 << 4;
    /// `[\r\n]`
    pub(super) const BREAK: u8 = 1 << 5;

    /// Whether it is in one of these sets.
    pub(super) fn is(self, sets: u8) -> bool {
        self.0 & sets != 0
    }

    /// `[^\s\p{L}\p{N}]`
    pub(super) fn is_sign(self) -> bool {
        !self.is(Self::SPACE | Self::LETTER | Self::NUMBER)
    }

    /// `[^\r\n\p{L}\p{N}]`, which a word may begin with.
    pub(super) fn may_lead(self) -> bool {
        !self.is(Self::BREAK | Self::LETTER | Self::NUMBER)
    }
}

/// The character that begins at this byte, and where the next one begins. There is none at the end.
#[inline]
pub(super) fn at(text: &str, position: usize) -> Option<(Letter, usize)> {
    let byte = *text.as_bytes().get(position)?;
    if byte < 128 {
        return Some((Letter(ASCII[usize::from(byte)]), position + 1));
    }
    let letter = text[position..].chars().next()?;
    let sets = others().get(letter as usize).copied().unwrap_or_default();
    Some((Letter(sets), position + letter.len_utf8()))
}

const ASCII: [u8; 128] = ascii();

const fn ascii() -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'A'..=b'Z' => Letter::LETTER | Letter::UPPER,
            b'a'..=b'z' => Letter::LETTER | Letter::LOWER,
            b'0'..=b'9' => Letter::NUMBER,
            b'\r' | b'\n' => Letter::SPACE | Letter::BREAK,
            b'\t' | 0x0b | 0x0c | b' ' => Letter::SPACE,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// One byte for every character there is: a text in Chinese asks for many.
fn others() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = vec![0; char::MAX as usize + 1];
        let sets = [
            (r"\p{L}", Letter::LETTER),
            (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Letter::UPPER),
            (r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", Letter::LOWER),
            (r"\p{N}", Letter::NUMBER),
            (r"\s", Letter::SPACE),
        ];
        for (pattern, bit) in sets {
            paint(&mut table, pattern, bit);
        }
        table
    })
}

fn paint(table: &mut [u8], pattern: &str, bit: u8) {
    let parsed = regex_syntax::parse(pattern);
    debug_assert!(parsed.is_ok(), "{pattern} is a class of characters");
    let Ok(parsed) = parsed else { return };
    if let HirKind::Class(Class::Unicode(class)) = parsed.kind() {
        for range in class.ranges() {
            for sets in &mut table[range.start() as usize..=range.end() as usize] {
                *sets |= bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_for_ascii_says_what_the_patterns_say() {
        for byte in 0..128u8 {
            let expected = others()[usize::from(byte)];
            assert_eq!(ASCII[usize::from(byte)] & !Letter::BREAK, expected, "{:?}", char::from(byte));
        }
    }

    #[test]
    fn letters_of_other_scripts_are_known() {
        let sets = |letter: char| at(letter.encode_utf8(&mut [0; 4]), 0).map(|(letter, _)| letter);
        let is = |letter, set| sets(letter).is_some_and(|letter| letter.is(set));
        assert!(is('É', Letter::UPPER) && !is('É', Letter::LOWER));
        assert!(is('ß', Letter::LOWER) && !is('ß', Letter::UPPER));
        assert!(is('中', Letter::UPPER) && is('中', Letter::LOWER));
        assert!(is('\u{301}', Letter::UPPER) && !is('\u{301}', Letter::LETTER));
        assert!(is('½', Letter::NUMBER) && is('\u{3000}', Letter::SPACE));
    }
}
