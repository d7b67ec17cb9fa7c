//! Citations: a model is given passages with markers, `【0:1†source】`, and writes a marker where it uses one.
//! Markers that name a passage of the turn become annotations; all others are words like any other.

use std::collections::HashMap;

/// The longest marker, in bytes. What goes on for longer is no marker.
const LONGEST: usize = 200;
const OPEN: char = '【';
const CLOSE: char = '】';

/// Where a passage stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub file_id: String,
    /// The file's name.
    pub filename: String,
}

/// The passages that the model of a turn was given, by the numbers in their markers.
#[derive(Debug, Default)]
pub struct Sources(HashMap<(u64, u64), Source>);

impl Sources {
    /// Adds the passages of a call, in their order. `call` is its place among the turn's calls.
    pub fn add(&mut self, call: u64, passages: impl IntoIterator<Item = Source>) {
        let numbered = (0..).zip(passages);
        self.0.extend(numbered.map(|(passage, source)| ((call, passage), source)));
    }

    /// Whether there is nothing to cite.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The marker of a passage.
pub fn marker(call: u64, passage: usize) -> String {
    format!("{OPEN}{call}:{passage}†source{CLOSE}")
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Words(String),
    /// A marker, and what it names.
    Citation {
        /// As the model wrote it.
        marker: String,
        /// What it names.
        source: Source,
    },
}

/// Reads a text that comes bit by bit. What may be the beginning of a marker is held back until that is clear.
#[derive(Debug, Default)]
pub struct Reader {
    held: String,
}

impl Reader {
    /// The next bit.
    pub fn read(&mut self, text: &str, sources: &Sources) -> Vec<Piece> {
        self.held.push_str(text);
        let text = std::mem::take(&mut self.held);
        let mut pieces = Vec::new();
        // Up to here the text is in pieces; up to `looked` it is known to be words.
        let (mut done, mut looked) = (0, 0);
        while let Some(at) = text[looked..].find(OPEN).map(|found| looked + found) {
            match judge(&text[at..]) {
                Judgement::Marker { length, numbers } => {
                    looked = at + length;
                    if let Some(source) = sources.0.get(&numbers) {
                        push_words(&mut pieces, &text[done..at]);
                        let marker = text[at..looked].to_owned();
                        pieces.push(Piece::Citation { marker, source: source.clone() });
                        done = looked;
                    }
                }
                Judgement::Unclear => {
                    push_words(&mut pieces, &text[done..at]);
                    self.held = text[at..].to_owned();
                    return pieces;
                }
                Judgement::Words => looked = at + OPEN.len_utf8(),
            }
        }
        push_words(&mut pieces, &text[done..]);
        pieces
    }

    /// What is held back when nothing more comes: words.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

fn push_words(pieces: &mut Vec<Piece>, words: &str) {
    if !words.is_empty() {
        pieces.push(Piece::Words(words.to_owned()));
    }
}

/// What a text is that begins with the opening bracket of a marker.
enum Judgement {
    /// A marker of so many bytes, with its numbers.
    Marker { length: usize, numbers: (u64, u64) },
    /// More of the text will tell.
    Unclear,
    /// Not a marker.
    Words,
}

fn judge(text: &str) -> Judgement {
    let inside = &text[OPEN.len_utf8()..];
    let Some(end) = inside.find(CLOSE) else {
        return if may_go_on(inside) { Judgement::Unclear } else { Judgement::Words };
    };
    let inside = &inside[..end];
    match numbers(inside) {
        Some(numbers) => {
            let length = OPEN.len_utf8() + inside.len() + CLOSE.len_utf8();
            Judgement::Marker { length, numbers }
        }
        None => Judgement::Words,
    }
}

/// The numbers of what stands between the brackets: `0:1†source`, or without what follows the dagger.
fn numbers(inside: &str) -> Option<(u64, u64)> {
    let (numbers, name) = inside.split_once('†').unwrap_or((inside, ""));
    let (call, passage) = numbers.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = digits(call) && digits(passage) && is_name(name) && inside.len() < LONGEST;
    is_plain.then(|| Some((call.parse().ok()?, passage.parse().ok()?))).flatten()
}

/// Whether this may become what stands between the brackets.
fn may_go_on(inside: &str) -> bool {
    let (numbers, name) = inside.split_once('†').unwrap_or((inside, ""));
    let is_numeric = numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    is_numeric && is_name(name) && inside.len() < LONGEST
}

fn is_name(name: &str) -> bool {
    !name.contains(|c: char| c == OPEN || c == '†' || c.is_control())
}

/// The length of a text as clients count it: in code points.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn source(file_id: &str) -> Source {
        Source { file_id: file_id.to_owned(), filename: format!("{file_id}.md") }
    }

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.add(0, [source("a"), source("b")]);
        sources.add(2, [source("c")]);
        sources
    }

    /// The pieces of a text that comes in these bits; words are joined, and a citation is its file in `<>`.
    fn read<'t>(bits: impl IntoIterator<Item = &'t str>) -> String {
        let (mut reader, sources) = (Reader::default(), sources());
        let mut seen = String::new();
        for bit in bits {
            for piece in reader.read(bit, &sources) {
                match piece {
                    Piece::Words(words) => seen.push_str(&words),
                    Piece::Citation { source, .. } => seen.push_str(&format!("<{}>", source.file_id)),
                }
            }
        }
        seen + &reader.rest()
    }

    #[test]
    fn markers_name_passages_by_call_and_place() {
        let text = "It floats【0:1†source】, and sinks【2:0†source】【0:0†handbook.pdf】.";
        assert_eq!(read([text]), "It floats<b>, and sinks<c><a>.");
        assert_eq!(marker(2, 0), "【2:0†source】");
    }

    #[test]
    fn a_marker_that_comes_in_bits_is_one_marker() {
        let text = "ä【0:1†source】ö【2:0】";
        let at = |byte: usize| (text.is_char_boundary(byte)).then(|| text.split_at(byte));
        for (before, after) in (0..text.len()).filter_map(at) {
            assert_eq!(read([before, after]), "ä<b>ö<c>");
        }
        let bits: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(read(bits.iter().map(String::as_str)), "ä<b>ö<c>");
    }

    #[test]
    fn what_names_nothing_stays_words() {
        let long = format!("【0:0†{}】", "x".repeat(LONGEST));
        for text in [
            "【7:0†source】",
            "【0:5】",
            "【citation】",
            "【0:0†so\nurce】",
            "【:】",
            "【99999999999999999999:0】",
            "【0:0†sou",
            "【",
            &long,
        ] {
            assert_eq!(read([text]), text);
            let bits: Vec<String> = text.chars().map(String::from).collect();
            assert_eq!(read(bits.iter().map(String::as_str)), text);
        }
    }

    #[test]
    fn a_bracket_that_was_no_marker_does_not_hide_one_that_is() {
        assert_eq!(read(["【0:【0:0†source】"]), "【0:<a>");
        assert_eq!(read(["【0:", "【0:0†source】"]), "【0:<a>");
    }

    #[test]
    fn words_are_not_held_back() {
        let (mut reader, sources) = (Reader::default(), sources());
        let words = |text: &str| vec![Piece::Words(text.to_owned())];
        assert_eq!(reader.read("It floats", &sources), words("It floats"));
        assert_eq!(reader.read("【x", &sources), words("【x"));
    }
}
