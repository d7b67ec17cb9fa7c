//! Citations: a model is given passages with markers, `【0:1†source】`, and writes a marker where it uses one. Files
//! that code has written it names by links, `sandbox:/mnt/data/a.csv`. What names something of the turn becomes an
//! annotation; all else is words like any other.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

/// The longest marker, in bytes. What goes on for longer is no marker.
const LONGEST: usize = 200;
const OPEN: char = '【';
const CLOSE: char = '】';
/// How links to files of a container begin.
const LINK: &str = "sandbox:";
/// What is escaped in such a link by those who escape.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'(').add(b')');

/// Where a passage stands, or what else can be cited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An uploaded file.
    File {
        /// The file.
        file_id: String,
        /// Its name.
        filename: String,
    },
    /// A page.
    Url {
        /// Its address.
        url: String,
        /// Its title.
        title: String,
    },
    /// A file that code wrote in a container.
    ContainerFile {
        /// The container.
        container_id: String,
        /// The file.
        file_id: String,
        /// Its name.
        filename: String,
    },
}

impl Source {
    /// What it is known by: two sources with the same key are one.
    pub fn key(&self) -> &str {
        match self {
            Self::File { file_id, .. } | Self::ContainerFile { file_id, .. } => file_id,
            Self::Url { url, .. } => url,
        }
    }

    /// The key in an annotation of a response.
    pub fn key_of(annotation: &Value) -> &str {
        let key = annotation["file_id"].as_str().or_else(|| annotation["url"].as_str());
        key.unwrap_or_default()
    }

    /// The words that stand in a response where the model wrote this marker. Of a page that is a link, so that
    /// it is of use where annotations are not read.
    pub fn words(&self, marker: &str) -> String {
        match self {
            Self::File { .. } => String::new(),
            Self::Url { url, title } => {
                let target = url.replace('(', "%28").replace(')', "%29");
                format!("([{}]({target}))", plain_title(title, url))
            }
            Self::ContainerFile { .. } => marker.to_owned(),
        }
    }

    /// The annotation of a response, whose words end at `end`.
    pub fn in_response(&self, end: usize, words: &str) -> Value {
        let start = end.saturating_sub(length(words));
        match self {
            Self::File { file_id, filename } => json!({
                "type": "file_citation", "file_id": file_id, "index": end, "filename": filename,
            }),
            Self::Url { url, title } => json!({
                "type": "url_citation", "start_index": start, "end_index": end, "url": url, "title": title,
            }),
            Self::ContainerFile { container_id, file_id, filename } => json!({
                "type": "container_file_citation", "container_id": container_id, "file_id": file_id,
                "filename": filename, "start_index": start, "end_index": end,
            }),
        }
    }

    /// The annotation of a message of a thread, in which the marker begins at `start`.
    pub fn in_message(&self, marker: &str, start: usize) -> Value {
        let (kind, what) = match self {
            Self::File { file_id, .. } => ("file_citation", json!({"file_id": file_id})),
            Self::Url { url, title } => ("url_citation", json!({"url": url, "title": title})),
            Self::ContainerFile { file_id, .. } => ("file_path", json!({"file_id": file_id})),
        };
        json!({
            "type": kind, "text": marker, "start_index": start, "end_index": start + length(marker), kind: what,
        })
    }
}

/// A title that can stand in a link: one line, without brackets. A page without one is named by its host.
fn plain_title(title: &str, url: &str) -> String {
    let words = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = words.chars().filter(|&c| !matches!(c, '[' | ']' | '\\' | OPEN | CLOSE)).collect();
    if !plain.is_empty() {
        return plain;
    }
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}

/// What the model of a turn was given.
#[derive(Debug, Default)]
pub struct Sources {
    /// Passages, by the numbers in their markers.
    passages: HashMap<(u64, u64), Source>,
    /// Files, by their links.
    links: HashMap<String, Source>,
}

impl Sources {
    /// Adds the passages of a call, in their order. `call` is its place among the turn's calls.
    pub fn add(&mut self, call: u64, passages: impl IntoIterator<Item = Source>) {
        let numbered = (0..).zip(passages);
        self.passages.extend(numbered.map(|(passage, source)| ((call, passage), source)));
    }

    /// Adds files, with their links. A model may write a link with or without escapes.
    pub fn add_links(&mut self, links: impl IntoIterator<Item = (String, Source)>) {
        for (link, source) in links {
            let escaped = utf8_percent_encode(&link, ESCAPED).to_string();
            self.links.insert(escaped, source.clone());
            self.links.insert(link, source);
        }
    }

    /// Whether there is nothing to cite.
    pub fn is_empty(&self) -> bool {
        self.passages.is_empty() && self.links.is_empty()
    }

    /// Where the next marker or link may begin.
    fn next(&self, text: &str) -> Option<usize> {
        let marker = text.find(OPEN);
        if self.links.is_empty() {
            return marker;
        }
        let before = &text[..marker.unwrap_or(text.len())];
        let is_link = |at: &usize| text[*at..].starts_with(LINK) || LINK.starts_with(&text[*at..]);
        before.match_indices(&LINK[..1]).map(|(at, _)| at).find(is_link).or(marker)
    }

    /// What a text is that may begin with a link. Of two links that fit, the longer one is meant.
    fn judge_link(&self, text: &str) -> Judgement {
        let is_begun = |link: &&String| link.len() > text.len() && link.starts_with(text);
        if self.links.keys().any(|link| is_begun(&link)) || LINK.starts_with(text) {
            return Judgement::Unclear;
        }
        let fitting = self.links.keys().filter(|link| text.starts_with(link.as_str()));
        match fitting.max_by_key(|link| link.len()) {
            Some(link) => Judgement::Link { length: link.len() },
            None => Judgement::Words,
        }
    }

    /// What a piece of text names, if it names anything.
    fn find(&self, judgement: &Judgement, text: &str) -> Option<&Source> {
        match judgement {
            Judgement::Marker { numbers, .. } => self.passages.get(numbers),
            Judgement::Link { length } => self.links.get(&text[..*length]),
            Judgement::Unclear | Judgement::Words => None,
        }
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
        while let Some(at) = sources.next(&text[looked..]).map(|found| looked + found) {
            let from = &text[at..];
            let judgement = if from.starts_with(OPEN) { judge(from) } else { sources.judge_link(from) };
            match judgement {
                Judgement::Marker { length, .. } | Judgement::Link { length } => {
                    looked = at + length;
                    if let Some(source) = sources.find(&judgement, from) {
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
                Judgement::Words => looked = at + from.chars().next().map_or(1, char::len_utf8),
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
    /// A link of so many bytes.
    Link { length: usize },
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
        Source::File { file_id: file_id.to_owned(), filename: format!("{file_id}.md") }
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
                    Piece::Citation { source, .. } => seen.push_str(&format!("<{}>", source.key())),
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
    fn annotations_say_from_where_to_where_in_code_points() {
        let page = Source::Url { url: "https://a.example/x".into(), title: "Bäume [und]\nStauden".into() };
        let words = page.words("【0:0†source】");
        assert_eq!(words, "([Bäume und Stauden](https://a.example/x))");
        let annotation = page.in_response(50, &words);
        assert_eq!((&annotation["start_index"], &annotation["end_index"]), (&json!(8), &json!(50)));
        assert_eq!((&annotation["type"], Source::key_of(&annotation)), (&json!("url_citation"), page.key()));
        let expected = json!({
            "type": "url_citation", "text": "【0:0†source】", "start_index": 7, "end_index": 19,
            "url_citation": {"url": "https://a.example/x", "title": "Bäume [und]\nStauden"},
        });
        assert_eq!(page.in_message("【0:0†source】", 7), expected);
    }

    #[test]
    fn the_words_of_each_kind_of_source() {
        let untitled = Source::Url { url: "https://a.example/x?q".into(), title: " ".into() };
        assert_eq!(untitled.words("m"), "([a.example](https://a.example/x?q))");
        assert_eq!(source("f").words("m"), "");
        assert_eq!(source("f").in_response(4, "")["index"], 4);
        let written = Source::ContainerFile {
            container_id: "cntr_1".into(),
            file_id: "cfile_1".into(),
            filename: "a.csv".into(),
        };
        let path = written.words("sandbox:/mnt/data/a.csv");
        let expected = json!({
            "type": "container_file_citation", "container_id": "cntr_1", "file_id": "cfile_1",
            "filename": "a.csv", "start_index": 2, "end_index": 25,
        });
        assert_eq!(written.in_response(25, &path), expected);
        assert_eq!(written.in_message(&path, 2)["file_path"], json!({"file_id": "cfile_1"}));
    }

    #[test]
    fn links_name_files_of_the_container() {
        let mut sources = sources();
        let file = |name: &str| (format!("sandbox:/mnt/data/{name}"), source(name));
        sources.add_links([file("a.csv"), file("a.csv.gz"), file("in/my table.csv")]);
        let read = |bits: &[&str]| {
            let (mut reader, mut seen) = (Reader::default(), String::new());
            for piece in bits.iter().flat_map(|bit| reader.read(bit, &sources)) {
                match piece {
                    Piece::Words(words) => seen.push_str(&words),
                    Piece::Citation { marker, source } => {
                        seen.push_str(&format!("<{} {}>", source.key(), length(&marker)));
                    }
                }
            }
            seen + &reader.rest()
        };
        for (text, expected) in [
            ("Ä [a](sandbox:/mnt/data/a.csv), so.", "Ä [a](<a.csv 23>), so."),
            ("sandbox:/mnt/data/a.csv.gz!", "<a.csv.gz 26>!"),
            ("(sandbox:/mnt/data/in/my%20table.csv)", "(<in/my table.csv 35>)"),
            ("(sandbox:/mnt/data/in/my table.csv)【0:0†source】", "(<in/my table.csv 33>)<a 12>"),
            ("sandbox:/mnt/data/other.csv and sandboxes", "sandbox:/mnt/data/other.csv and sandboxes"),
            ("his sandbox: sand", "his sandbox: sand"),
        ] {
            assert_eq!(read(&[text]), expected);
            let letters: Vec<String> = text.chars().map(String::from).collect();
            assert_eq!(read(&letters.iter().map(String::as_str).collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    fn words_are_not_held_back() {
        let (mut reader, sources) = (Reader::default(), sources());
        let words = |text: &str| vec![Piece::Words(text.to_owned())];
        assert_eq!(reader.read("It floats", &sources), words("It floats"));
        assert_eq!(reader.read("【x", &sources), words("【x"));
    }
}
