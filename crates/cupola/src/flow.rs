//! A text that arrives in pieces, broken between words where the terminal ends.

use crate::terminal;

/// A text under way.
#[derive(Debug)]
pub struct Flow {
    width: usize,
    column: usize,
    /// The word that is not complete yet: nobody knows whether it fits on the line.
    word: String,
}

impl Flow {
    /// A text that begins at the margin, for a terminal of this width if one shows it.
    pub fn new(width: Option<usize>) -> Self {
        Self { width: width.unwrap_or(usize::MAX), column: 0, word: String::new() }
    }

    /// A text that begins behind a label of this many columns.
    pub fn behind(width: Option<usize>, columns: usize) -> Self {
        Self { column: columns, ..Self::new(width) }
    }

    /// Whether the next text begins at the margin.
    pub fn is_at_margin(&self) -> bool {
        self.column == 0 && self.word.is_empty()
    }

    /// Takes the next piece, and gives what can be shown of it.
    pub fn take(&mut self, piece: &str) -> String {
        let mut shown = String::new();
        for character in terminal::clean(piece).chars() {
            match character {
                ' ' | '\n' => {
                    shown.push_str(&self.place_word());
                    // Behind a full line a blank goes to the next one, which the break then leaves empty.
                    if character == ' ' && self.column >= self.width {
                        continue;
                    }
                    shown.push(character);
                    self.column = if character == '\n' { 0 } else { self.column + 1 };
                }
                _ => self.word.push(character),
            }
        }
        // Where nothing is to be broken, nothing needs to wait.
        if self.width == usize::MAX {
            shown.push_str(&self.place_word());
        }
        shown
    }

    /// The rest of the text, with the end of its line.
    pub fn finish(&mut self) -> String {
        let mut rest = self.place_word();
        if std::mem::take(&mut self.column) > 0 {
            rest.push('\n');
        }
        rest
    }

    fn place_word(&mut self) -> String {
        let word = std::mem::take(&mut self.word);
        let width = terminal::columns(&word);
        if self.column > 0 && width > 0 && self.column.saturating_add(width) > self.width {
            self.column = width;
            return format!("\n{word}");
        }
        self.column += width;
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: Option<usize>, pieces: &[&str]) -> String {
        let mut flow = Flow::new(width);
        let mut shown: String = pieces.iter().map(|piece| flow.take(piece)).collect();
        shown.push_str(&flow.finish());
        shown
    }

    #[test]
    fn a_word_in_pieces_moves_to_the_next_line_as_a_whole() {
        assert_eq!(shown(Some(9), &["One tw", "o thr", "ee four"]), "One two \nthree \nfour\n");
    }

    #[test]
    fn a_word_that_ends_with_the_line_leaves_no_empty_line_behind() {
        assert_eq!(shown(Some(7), &["One two three"]), "One two\nthree\n");
    }

    #[test]
    fn what_stands_behind_a_label_breaks_earlier() {
        let mut flow = Flow::behind(Some(9), 4);
        assert_eq!(flow.take("One two "), "One \ntwo ");
    }

    #[test]
    fn without_a_terminal_every_piece_is_shown_at_once() {
        let mut flow = Flow::new(None);
        assert_eq!(flow.take("One tw"), "One tw");
        assert_eq!(flow.take("o"), "o");
        assert_eq!(flow.finish(), "\n");
    }

    #[test]
    fn a_text_that_ends_its_line_gets_no_second_end() {
        assert_eq!(shown(Some(80), &["Done.\n"]), "Done.\n");
        assert_eq!(shown(Some(80), &[]), "");
    }
}
