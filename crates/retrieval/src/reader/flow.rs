//! Paragraphs and tables, as Word and PowerPoint write them.

use super::xml::{Element, Node};

/// What a paragraph says, and what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paragraph {
    /// The text. A row of a table is one, too.
    pub text: String,
    /// The id of its style.
    pub style: Option<String>,
    /// The level that it has in an outline, from 0.
    pub outline: Option<u8>,
    /// The kind of placeholder on a slide that it fills.
    pub placeholder: Option<String>,
}

/// Elements that repeat what stands elsewhere, or what is no longer there.
const NOT_SHOWN: [&str; 3] = ["Fallback", "moveFrom", "del"];
/// What separates the cells of a row.
const BETWEEN_CELLS: &str = " | ";

/// The text under way.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Paragraphs that are open: a text box stands within one.
    paragraphs: Vec<Paragraph>,
    /// Cells of the rows that are open: a table may stand in a cell.
    rows: Vec<Vec<String>>,
    cells: Vec<String>,
    placeholder: Option<String>,
    runs: usize,
    texts: usize,
    not_shown: usize,
}

impl Flow {
    /// Takes what comes next. Gives a paragraph when one has ended.
    pub(super) fn take(&mut self, node: &Node<'_>) -> Option<Paragraph> {
        match node {
            Node::Start(element) if self.not_shown > 0 || NOT_SHOWN.contains(&element.name()) => {
                self.not_shown += 1;
                None
            }
            Node::End(_) if self.not_shown > 0 => {
                self.not_shown -= 1;
                None
            }
            _ if self.not_shown > 0 => None,
            Node::Start(element) => {
                self.start(element);
                None
            }
            Node::End(name) => self.end(name),
            Node::Text(text) => {
                if self.texts > 0 {
                    self.push(text);
                }
                None
            }
        }
    }

    fn start(&mut self, element: &Element<'_>) {
        match element.name() {
            "p" => {
                let placeholder = self.placeholder.clone();
                self.paragraphs.push(Paragraph { placeholder, ..Paragraph::default() });
            }
            "r" => self.runs += 1,
            "t" => self.texts += 1,
            "br" | "cr" => self.push("\n"),
            // Beside those in the text there are those that say where the tabulator stops.
            "tab" if self.runs > 0 => self.push("\t"),
            "noBreakHyphen" => self.push("-"),
            "tr" => self.rows.push(Vec::new()),
            "tc" => self.cells.push(String::new()),
            "sp" => self.placeholder = None,
            "ph" => self.placeholder = Some(element.attribute("type").unwrap_or_default()),
            "pStyle" => self.set(|paragraph| paragraph.style = element.attribute("val")),
            "outlineLvl" => {
                let level = element.attribute("val").and_then(|level| level.parse().ok());
                self.set(|paragraph| paragraph.outline = level);
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) -> Option<Paragraph> {
        match name {
            "p" => {
                let paragraph = self.paragraphs.pop()?;
                self.emit(paragraph)
            }
            "r" => {
                self.runs = self.runs.saturating_sub(1);
                None
            }
            "t" => {
                self.texts = self.texts.saturating_sub(1);
                None
            }
            "tc" => {
                let cell = self.cells.pop()?;
                self.rows.last_mut()?.push(cell);
                None
            }
            "tr" => {
                let row = self.rows.pop()?;
                self.emit(Paragraph { text: row.join(BETWEEN_CELLS), ..Paragraph::default() })
            }
            _ => None,
        }
    }

    /// What stands in a cell becomes part of its row, and everything else stands for itself.
    fn emit(&mut self, paragraph: Paragraph) -> Option<Paragraph> {
        let Some(cell) = self.cells.last_mut() else {
            return Some(paragraph).filter(|paragraph| !paragraph.text.trim().is_empty());
        };
        if !cell.is_empty() {
            cell.push(' ');
        }
        cell.push_str(paragraph.text.trim());
        None
    }

    fn push(&mut self, text: &str) {
        self.set(|paragraph| paragraph.text.push_str(text));
    }

    fn set(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            change(paragraph);
        }
    }
}
