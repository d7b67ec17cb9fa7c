//! Documents of Word 97 to 2003: their text, from the table of pieces that these Words keep.
//!
//! A document is a container with streams. One has a header and the characters, another one says in which
//! order the characters go, and which of them are in one byte and which in two.

use std::io::{Read, Seek};

use cfb::CompoundFile;
use encoding_rs::WINDOWS_1252;

use super::{
    kind::{Kind, Looks, misnamed},
    limits::Limits,
    package::{damaged, encrypted},
};
use crate::{Document, Place, Section, Unreadable};

/// What the header of a document of Word begins with.
const WORD: u16 = 0xa5ec;
/// Places in the header.
const FLAGS: usize = 0x0a;
const TEXT_LENGTH: usize = 0x4c;
const NOTES_LENGTH: usize = 0x50;
const PIECES: usize = 0x1a2;
/// Flags of the header.
const IS_ENCRYPTED: u16 = 1 << 8;
const SECOND_TABLE: u16 = 1 << 9;
/// In the place of a piece: its characters have one byte.
const ONE_BYTE: u32 = 1 << 30;

/// Reads a container of the old Office that should be a document of this kind.
pub(super) fn read<R: Read + Seek>(kind: Kind, file: R, limits: &Limits) -> Result<Document, Unreadable> {
    let mut container = CompoundFile::open(file).map_err(|_| damaged())?;
    // This is how today's Office keeps what is encrypted.
    if container.exists("EncryptedPackage") {
        return Err(encrypted());
    }
    if kind != Kind::Doc || !container.exists("WordDocument") {
        return Err(misnamed(kind, Looks::Ole));
    }
    let main = stream(&mut container, "WordDocument", limits)?;
    if number(&main, 0)? != WORD {
        return Err(Unreadable::Invalid(
            "The document was written by a Word before 1997. Save it as .docx and upload that.".into(),
        ));
    }
    let flags: u16 = number(&main, FLAGS)?;
    if flags & IS_ENCRYPTED != 0 {
        return Err(encrypted());
    }
    let name = if flags & SECOND_TABLE != 0 { "1Table" } else { "0Table" };
    let table = stream(&mut container, name, limits)?;
    let length = long(&main, TEXT_LENGTH)?.saturating_add(long(&main, NOTES_LENGTH)?);
    let text = plain(&characters(&main, pieces(&main, &table)?, length, limits)?);
    Ok(Document { sections: vec![Section { text, place: Place::default() }] })
}

fn stream<R: Read + Seek>(
    container: &mut CompoundFile<R>,
    name: &str,
    limits: &Limits,
) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    let stream = container.open_stream(name).map_err(|_| damaged())?;
    stream.take(limits.file).read_to_end(&mut bytes).map_err(|_| damaged())?;
    Ok(bytes)
}

fn bytes<const N: usize>(all: &[u8], place: usize) -> Result<[u8; N], Unreadable> {
    let found = all.get(place..).and_then(|rest| rest.first_chunk::<N>());
    found.copied().ok_or_else(damaged)
}

fn number(all: &[u8], place: usize) -> Result<u16, Unreadable> {
    bytes(all, place).map(u16::from_le_bytes)
}

fn long(all: &[u8], place: usize) -> Result<u32, Unreadable> {
    bytes(all, place).map(u32::from_le_bytes)
}

/// A number that counts bytes.
fn size(all: &[u8], place: usize) -> Result<usize, Unreadable> {
    usize::try_from(long(all, place)?).map_err(|_| damaged())
}

/// The table of pieces: where each begins in the text, and after that where its characters are.
fn pieces<'a>(main: &[u8], table: &'a [u8]) -> Result<&'a [u8], Unreadable> {
    let (place, length) = (size(main, PIECES)?, size(main, PIECES + 4)?);
    let mut rest = table.get(place..).and_then(|from| from.get(..length)).ok_or_else(damaged)?;
    // Properties come first, which are of no interest here.
    while let [1, properties @ ..] = rest {
        rest = properties.get(2 + usize::from(number(properties, 0)?)..).ok_or_else(damaged)?;
    }
    let [2, rest @ ..] = rest else { return Err(damaged()) };
    rest.get(4..).and_then(|from| from.get(..size(rest, 0).ok()?)).ok_or_else(damaged)
}

fn characters(main: &[u8], pieces: &[u8], length: u32, limits: &Limits) -> Result<String, Unreadable> {
    /// Bytes of a place in the text, and of what is said about a piece.
    const PLACE: usize = 4;
    const ABOUT: usize = 8;
    let count = pieces.len().saturating_sub(PLACE) / (PLACE + ABOUT);
    let mut text = String::new();
    for index in 0..count {
        let (start, end) = (long(pieces, index * PLACE)?, long(pieces, (index + 1) * PLACE)?.min(length));
        let wanted = usize::try_from(end.saturating_sub(start)).map_err(|_| damaged())?;
        let place = long(pieces, (count + 1) * PLACE + index * ABOUT + 2)?;
        let is_short = place & ONE_BYTE != 0;
        let place = (place & !ONE_BYTE) as usize;
        let (place, bytes) = if is_short { (place / 2, wanted) } else { (place, wanted.saturating_mul(2)) };
        let bytes = main.get(place..).and_then(|from| from.get(..bytes)).ok_or_else(damaged)?;
        if is_short {
            text.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
        } else {
            let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            text.extend(
                char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)),
            );
        }
        // Pieces may repeat the same characters without end.
        limits.check_text(text.len())?;
    }
    Ok(text)
}

/// What Word's own characters mean in plain text.
fn plain(characters: &str) -> String {
    let mut text = String::with_capacity(characters.len());
    // Of a field its result is shown, and not how it is made.
    let mut fields: Vec<bool> = Vec::new();
    let mut letters = characters.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{13}' => fields.push(true),
            '\u{14}' => drop(fields.last_mut().map(|is_code| *is_code = false)),
            '\u{15}' => drop(fields.pop()),
            _ if fields.contains(&true) => {}
            // A cell ends, and where there is none after it, the row.
            '\u{7}' if letters.next_if_eq(&'\u{7}').is_some() => text.push('\n'),
            '\u{7}' => text.push_str(" | "),
            '\r' | '\u{b}' => text.push('\n'),
            '\u{c}' => text.push_str("\n\n"),
            '\u{1e}' => text.push('-'),
            '\t' | '\n' => text.push(letter),
            // Pictures, notes and marks have their places in the text.
            letter if letter.is_control() => {}
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_own_characters_become_plain_text() {
        let text = "Title\rSee \u{13}HYPERLINK \"x\" \u{14}the page\u{15}.\u{2}\r\
                    a\u{7}b\u{7}\u{7}c\u{7}d\u{7}\u{7}non\u{1e}breaking\u{b}line\u{c}";
        assert_eq!(plain(text), "Title\nSee the page.\na | b\nc | d\nnon-breaking\nline\n\n");
    }
}
