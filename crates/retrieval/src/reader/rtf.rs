//! The Rich Text Format, which some programs save as `.doc`: its text, without any of the richness.

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, WINDOWS_1252};

use super::package::damaged;
use crate::{Document, Place, Section, Unreadable};

/// Groups that are not part of the text.
const NOT_SHOWN: [&str; 12] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "footer",
    "headerl",
    "headerr",
    "footerl",
    "footerr",
];
const BETWEEN_CELLS: &str = " | ";

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, Unreadable> {
    let mut reader = Reader::default();
    let mut rest = bytes;
    while let Some((token, after)) = Token::first(rest) {
        rest = after;
        match token {
            Token::Open => reader.open.push(reader.group),
            Token::Close => {
                reader.group = reader.open.pop().ok_or_else(damaged)?;
                // The outermost group is the document.
                if reader.open.is_empty() {
                    return Ok(reader.end());
                }
            }
            Token::Word("bin", Some(length)) => {
                rest = rest.get(usize::try_from(length).unwrap_or(0)..).ok_or_else(damaged)?;
            }
            Token::Word(word, number) => reader.word(word, number),
            Token::Byte(byte) => reader.byte(byte),
            Token::Nothing => {}
        }
    }
    Err(damaged())
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    /// A control word and its number.
    Word(&'a str, Option<i32>),
    /// A character of the text.
    Byte(u8),
    /// The end of a line, which means nothing, or a sign that does.
    Nothing,
}

impl<'a> Token<'a> {
    fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (first, rest) = bytes.split_first()?;
        match first {
            b'{' => Some((Self::Open, rest)),
            b'}' => Some((Self::Close, rest)),
            b'\\' => Self::control(rest),
            b'\r' | b'\n' => Some((Self::Nothing, rest)),
            byte => Some((Self::Byte(*byte), rest)),
        }
    }

    /// What follows a backslash.
    fn control(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if length == 0 {
            return Self::sign(bytes);
        }
        let (word, rest) = bytes.split_at(length);
        let minus = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[minus..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let end = if digits > 0 { minus + digits } else { 0 };
        let number = std::str::from_utf8(&rest[..end]).ok().and_then(|number| number.parse().ok());
        let rest = &rest[end..];
        // A blank ends the word and is no text.
        Some((Self::Word(std::str::from_utf8(word).ok()?, number), rest.strip_prefix(b" ").unwrap_or(rest)))
    }

    fn sign(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (sign, rest) = bytes.split_first()?;
        let token = match sign {
            b'\'' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok();
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                return Some((byte.map_or(Self::Nothing, Self::Byte), &rest[2..]));
            }
            b'*' => Self::Word("*", None),
            b'\r' | b'\n' => Self::Word("par", None),
            b'~' => Self::Byte(b' '),
            b'_' => Self::Byte(b'-'),
            b'\\' | b'{' | b'}' => Self::Byte(*sign),
            _ => Self::Nothing,
        };
        Some((token, rest))
    }
}

/// What holds up to the end of a group.
#[derive(Clone, Copy, Debug)]
struct Group {
    is_shown: bool,
    /// After a character in Unicode, so many characters say the same for programs that don't know it.
    repeats: usize,
}

#[derive(Debug)]
struct Reader {
    text: String,
    /// Characters that are not decoded yet: some encodings have several bytes for one.
    bytes: Vec<u8>,
    units: Vec<u16>,
    encoding: &'static Encoding,
    group: Group,
    open: Vec<Group>,
    to_skip: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            text: String::new(),
            bytes: Vec::new(),
            units: Vec::new(),
            encoding: WINDOWS_1252,
            group: Group { is_shown: true, repeats: 1 },
            open: Vec::new(),
            to_skip: 0,
        }
    }
}

impl Reader {
    fn word(&mut self, word: &str, number: Option<i32>) {
        match (word, number) {
            // What a reader may ignore, this one does.
            ("*", _) => self.group.is_shown = false,
            ("ansicpg", Some(page)) => self.encoding = encoding(page),
            ("uc", Some(repeats)) => self.group.repeats = usize::try_from(repeats).unwrap_or(0),
            ("u", Some(unit)) => self.unit(unit),
            ("par" | "line" | "sect" | "page", _) => self.push("\n"),
            ("cell", _) => self.push(BETWEEN_CELLS),
            ("row", _) => self.end_row(),
            ("tab", _) => self.push("\t"),
            ("emdash", _) => self.push("—"),
            ("endash", _) => self.push("–"),
            ("bullet", _) => self.push("•"),
            ("lquote", _) => self.push("‘"),
            ("rquote", _) => self.push("’"),
            ("ldblquote", _) => self.push("“"),
            ("rdblquote", _) => self.push("”"),
            (word, _) if NOT_SHOWN.contains(&word) => self.group.is_shown = false,
            _ => {}
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else if self.group.is_shown {
            self.flush_units();
            self.bytes.push(byte);
        }
    }

    /// Units above 32767 are written as negative numbers.
    fn unit(&mut self, number: i32) {
        if self.group.is_shown {
            self.flush_bytes();
            self.units.extend(u16::try_from(number & 0xffff));
            self.to_skip = self.group.repeats;
        }
    }

    fn push(&mut self, text: &str) {
        self.to_skip = 0;
        if self.group.is_shown {
            self.flush_units();
            self.flush_bytes();
            self.text.push_str(text);
        }
    }

    fn end_row(&mut self) {
        self.push("");
        if self.text.ends_with(BETWEEN_CELLS) {
            self.text.truncate(self.text.len() - BETWEEN_CELLS.len());
        }
        self.push("\n");
    }

    fn flush_bytes(&mut self) {
        self.text.push_str(&self.encoding.decode_without_bom_handling(&self.bytes).0);
        self.bytes.clear();
    }

    fn flush_units(&mut self) {
        self.text.push_str(&String::from_utf16_lossy(&self.units));
        self.units.clear();
    }

    fn end(mut self) -> Document {
        self.group.is_shown = true;
        self.push("");
        Document { sections: vec![Section { text: self.text, place: Place::default() }] }
    }
}

fn encoding(page: i32) -> &'static Encoding {
    match page {
        932 => SHIFT_JIS,
        936 => GBK,
        949 => EUC_KR,
        950 => BIG5,
        page => Encoding::for_label(format!("windows-{page}").as_bytes()).unwrap_or(WINDOWS_1252),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(rtf: &str) -> String {
        read(rtf.as_bytes()).unwrap().sections.remove(0).text
    }

    #[test]
    fn the_text_is_read_without_what_surrounds_it() {
        let rtf = "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}{\\*\\generator X;}\
                   {\\info{\\title T}}\r\n\
                   \\b Bold\\b0  and {\\i italic}\\par\r\n\
                   caf\\'e9 \\{x\\}\\~\\emdash\\line\\bin3 }}}end}";
        assert_eq!(text(rtf), "Bold and italic\ncafé {x} —\nend");
    }

    #[test]
    fn unicode_and_other_code_pages_are_decoded() {
        assert_eq!(text("{\\rtf1\\ansicpg1251 \\'cf\\'f0}"), "Пр");
        assert_eq!(text("{\\rtf1\\ansicpg932 \\'93\\'fa}"), "日");
        assert_eq!(text("{\\rtf1\\uc1 a\\u20013?b\\u-10179?\\u-8704?{\\uc0\\u233 e}}"), "a中b😀ée");
    }

    #[test]
    fn rows_of_tables_are_lines() {
        assert_eq!(text("{\\rtf1 \\trowd a\\cell b\\cell\\row c\\cell d\\cell\\row}"), "a | b\nc | d\n");
    }

    #[test]
    fn what_ends_early_is_damaged() {
        for rtf in ["{\\rtf1 text", "{\\rtf1 \\bin99 x}", "}", "{\\rtf1 {a}"] {
            assert_eq!(read(rtf.as_bytes()), Err(damaged()), "{rtf}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_too_strange(
            rtf in "(\\\\[a-z]{1,4}-?[0-9]{0,5}|\\\\'[0-9a-g]{2}|[{}a \n\\\\]|\\PC){0,80}"
        ) {
            if let Ok(document) = read(format!("{{\\rtf1{rtf}}}").as_bytes()) {
                prop_assert_eq!(document.sections.len(), 1);
            }
        }
    }
}
