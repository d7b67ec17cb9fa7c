//! Puts a document together while it is read from the beginning to the end.

use crate::{Document, Place, Section};

/// A heading is to say where a text stands. Longer ones are whole paragraphs in the clothes of a heading.
const LONGEST_HEADING: usize = 200;

/// The sections so far.
#[derive(Debug, Default)]
pub(super) struct Sections {
    done: Vec<Section>,
    open: Section,
    bytes: usize,
}

impl Sections {
    /// From here on the text stands at another place.
    pub(super) fn begin(&mut self, mut place: Place) {
        if let Some(heading) = &mut place.heading {
            heading.truncate(heading.floor_char_boundary(LONGEST_HEADING));
        }
        let ended = std::mem::replace(&mut self.open, Section { text: String::new(), place });
        if !ended.text.trim().is_empty() {
            self.done.push(ended);
        }
    }

    /// Adds text to the open section.
    pub(super) fn push(&mut self, text: &str) {
        self.bytes += text.len();
        self.open.text.push_str(text);
    }

    /// Adds a line to the open section.
    pub(super) fn push_line(&mut self, line: &str) {
        self.push(line);
        self.push("\n");
    }

    /// Whether there is no text yet.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Bytes of text so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The whole document.
    pub(super) fn end(mut self) -> Document {
        self.begin(Place::default());
        Document { sections: self.done }
    }
}
