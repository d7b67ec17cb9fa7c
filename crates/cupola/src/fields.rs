//! Labels on the left, texts on the right, wrapped where a terminal ends.

use std::fmt::Write;

use anstyle::Style;
use cupola_client::types::Metadata;

use crate::terminal::{self, DIM};

/// How wide the labels are.
const LABEL: usize = 14;

/// A text narrower than this is harder to read than one that the terminal wraps.
const NARROWEST: usize = 20;

/// Labels and texts under construction.
#[derive(Debug)]
pub struct Fields {
    room: Option<usize>,
    shown: String,
}

impl Fields {
    /// None yet, for a terminal of this width if one shows them.
    pub fn new(width: Option<usize>) -> Self {
        let room = width.map(|width| width.saturating_sub(LABEL).max(NARROWEST));
        Self { room, shown: String::new() }
    }

    /// Adds a text.
    pub fn add(&mut self, label: &str, text: impl AsRef<str>) {
        self.add_styled(DIM, label, text.as_ref(), Style::new());
    }

    /// Adds a text, where there is one.
    pub fn add_some(&mut self, label: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text.filter(|text| !text.as_ref().is_empty()) {
            self.add(label, text);
        }
    }

    /// Adds a text in a style of its own.
    pub fn add_styled(&mut self, label_style: Style, label: &str, text: &str, text_style: Style) {
        let text = terminal::clean(text);
        let lines = match self.room {
            Some(room) => terminal::wrap(&text, room),
            None => text.lines().map(str::to_owned).collect(),
        };
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let fill = " ".repeat(LABEL.saturating_sub(terminal::columns(label)).max(1));
            // Writing to a String does not fail.
            let _ = writeln!(
                self.shown,
                "{label_style}{label}{label_style:#}{fill}{text_style}{line}{text_style:#}"
            );
        }
    }

    /// All of them.
    pub fn finish(self) -> String {
        self.shown
    }
}

/// Metadata, one pair each line.
pub fn metadata_lines(metadata: &Metadata) -> String {
    metadata.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_go_on_under_themselves() {
        let mut fields = Fields::new(Some(34));
        fields.add("id", "asst_1");
        fields.add("instructions", "Answer in one short sentence.");
        fields.add_some("name", None::<&str>);
        let shown = anstream::adapter::strip_str(&fields.finish()).to_string();
        assert_eq!(
            shown,
            "id            asst_1\n\
             instructions  Answer in one short\n              sentence.\n"
        );
    }
}
