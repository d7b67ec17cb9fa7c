//! Aligned tables that fit the terminal: columns that may shrink give way to those that may not.

use std::fmt::Write;

use anstyle::Style;

use crate::terminal::{self, DIM};

/// What stands between two columns.
const GAP: usize = 2;

/// A shrunk column keeps at least this many characters.
const NARROWEST: usize = 8;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    kind: ColumnKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ColumnKind {
    Whole,
    Shrinking,
    Number,
}

/// A column that is never cut, for example of ids.
pub const fn whole(title: &'static str) -> Column {
    Column { title, kind: ColumnKind::Whole }
}

/// A column that is cut where the terminal is narrow.
pub const fn shrinking(title: &'static str) -> Column {
    Column { title, kind: ColumnKind::Shrinking }
}

/// A column of numbers, aligned to the right.
pub const fn number(title: &'static str) -> Column {
    Column { title, kind: ColumnKind::Number }
}

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in this style.
    pub fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self { style, ..Self::from(text.as_ref()) }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self { text: terminal::clean(text).replace('\n', " "), style: Style::new() }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// The table with its titles, for a terminal of this width if one shows it.
    pub fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let titles: Vec<Cell> = self.columns.iter().map(|column| Cell::styled(column.title, DIM)).collect();
        std::iter::once(&titles).chain(&self.rows).map(|row| self.line(row, &widths)).collect()
    }

    fn widths(&self, available: Option<usize>) -> Vec<usize> {
        let natural = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            let widest = cells.map(|cell| terminal::columns(&cell.text)).max().unwrap_or_default();
            widest.max(terminal::columns(column.title))
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(natural).collect();
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let room = available.map_or(usize::MAX, |available| available.saturating_sub(gaps));
        while widths.iter().sum::<usize>() > room {
            let may_shrink = |(index, width): &(usize, &mut usize)| {
                self.columns[*index].kind == ColumnKind::Shrinking && **width > NARROWEST
            };
            let widest = widths.iter_mut().enumerate().filter(may_shrink).max_by_key(|(_, width)| **width);
            let Some((_, widest)) = widest else { break };
            *widest -= 1;
        }
        widths
    }

    fn line(&self, cells: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, column), &width) in cells.iter().zip(&self.columns).zip(widths) {
            let text = terminal::cut(&cell.text, width);
            let fill = " ".repeat(width - terminal::columns(&text));
            let style = cell.style;
            let gap = if line.is_empty() { "" } else { "  " };
            // Writing to a String does not fail.
            let _ = match column.kind {
                ColumnKind::Number => write!(line, "{gap}{fill}{style}{text}{style:#}"),
                _ => write!(line, "{gap}{style}{text}{style:#}{fill}"),
            };
        }
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([whole("ID"), shrinking("NAME"), number("TOKENS")]);
        table.push(["asst_1".into(), "a name that is rather long".into(), "7".into()]);
        table.push(["asst_22".into(), "short".into(), "1234".into()]);
        table
    }

    fn shown(width: Option<usize>) -> String {
        anstream::adapter::strip_str(&table().render(width)).to_string()
    }

    #[test]
    fn columns_are_aligned_and_numbers_stand_to_the_right() {
        assert_eq!(
            shown(None),
            "ID       NAME                        TOKENS\n\
             asst_1   a name that is rather long       7\n\
             asst_22  short                         1234\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_names_but_never_ids() {
        assert_eq!(
            shown(Some(30)),
            "ID       NAME           TOKENS\n\
             asst_1   a name that…        7\n\
             asst_22  short            1234\n"
        );
        assert!(shown(Some(5)).contains("asst_22"));
    }

    #[test]
    fn a_cell_is_one_line_without_control_characters() {
        let mut table = Table::new([whole("NAME")]);
        table.push(["two\nlines\u{1b}[2J".into()]);
        let shown = anstream::adapter::strip_str(&table.render(None)).to_string();
        assert_eq!(shown, "NAME\ntwo lines[2J\n");
    }
}
