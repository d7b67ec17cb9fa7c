//! What goes to standard output: whole texts, coloured on terminals only, and never control characters
//! that somebody else wrote.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

/// For what stands out.
pub const BOLD: Style = Style::new().bold();
/// For what stands back.
pub const DIM: Style = Style::new().dimmed();
/// For what went well.
pub const GREEN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
/// For what needs a look.
pub const YELLOW: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
/// For what went wrong.
pub const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));

/// Prints the text. A reader that has seen enough, as `head` does, is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints one JSON document.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    print(&format!("{text}\n"))
}

/// How many columns there are; nothing where no terminal shows the output.
pub fn width() -> Option<usize> {
    let size = io::stdout().is_terminal().then(|| console::Term::stdout().size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
}

/// How many columns the text takes.
pub fn columns(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The text without characters that move the cursor, change colours or ring the bell.
pub fn clean(text: &str) -> String {
    let text = text.replace('\t', "    ");
    text.chars().filter(|&character| character == '\n' || !character.is_control()).collect()
}

/// The text, or as much of it as fits in so many columns, with a mark at its end.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if columns(&kept) + columns(character.encode_utf8(&mut [0; 4])) >= width {
            break;
        }
        kept.push(character);
    }
    format!("{}…", kept.trim_end())
}

/// The text in lines of at most `width` columns, broken between words where that is possible.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap_line(line, width.max(1))).collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_inclusive(' ') {
        for piece in pieces(word, width) {
            let last = lines.last_mut().map_or(0, |last| columns(last));
            if last > 0 && last + columns(piece.trim_end()) > width {
                lines.push(String::new());
            }
            if let Some(last) = lines.last_mut() {
                last.push_str(&piece);
            }
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The word itself, or pieces of a word that fits on no line.
fn pieces(word: &str, width: usize) -> Vec<String> {
    if columns(word.trim_end()) <= width {
        return vec![word.to_owned()];
    }
    let mut pieces = vec![String::new()];
    for character in word.chars() {
        let piece = pieces.last().map_or("", String::as_str);
        if !piece.is_empty() && columns(piece) + columns(character.encode_utf8(&mut [0; 4])) > width {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_others_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}\r\nc\td"), "a[31mb\nc    d");
    }

    #[test]
    fn lines_break_between_words_and_long_words_inside() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij", 4), ["a", "abcd", "efgh", "ij"]);
        assert_eq!(wrap("first\n\nsecond", 20), ["first", "", "second"]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(wrap("日本 語", 4), ["日本", "語"]);
    }
}
