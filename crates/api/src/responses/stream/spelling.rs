//! An argument of a call of the service's own that is told while the model writes it, such as code. Where events are
//! kept, it is told in one piece with the answer that it belongs to: then no crash can take half of it back.

use cupola_engine::Frame;
use serde_json::{Value, json};

use super::{Stream, serving::Running};
use crate::tools::{SpelledOut, code_interpreter::Spelled};

/// An argument that is being told.
#[derive(Debug)]
pub struct Spelling {
    spelled: SpelledOut,
    /// Which call of the answer it belongs to.
    index: usize,
    reader: Spelled,
    /// What was told of it.
    told: String,
}

impl Spelling {
    /// Nothing is told yet.
    pub fn new(spelled: SpelledOut, index: usize) -> Self {
        Self { reader: Spelled::new(spelled.argument), spelled, index, told: String::new() }
    }
}

impl Stream {
    /// More of the arguments of a call of the service's own.
    pub(super) fn spell(&mut self, index: usize, piece: &str) -> Vec<Frame> {
        if !self.spells {
            return Vec::new();
        }
        let is_its = |running: &&mut Running| {
            running.spelling.as_ref().is_some_and(|spelling| spelling.index == index)
        };
        // Of several answers, the newest one's calls come last.
        let Some(running) = self.running.iter_mut().rev().find(is_its) else { return Vec::new() };
        let place = json!({"item_id": running.item_id, "output_index": running.place});
        let Some(spelling) = &mut running.spelling else { return Vec::new() };
        let text = spelling.reader.read(piece);
        if text.is_empty() {
            return Vec::new();
        }
        spelling.told.push_str(&text);
        let event = spelling.spelled.event;
        vec![self.spelled(event, "delta", place, "delta", &text)]
    }

    /// What was not told of an argument yet, and all of it.
    pub(super) fn spell_whole(&mut self, running: &mut Running) -> Vec<Frame> {
        let Some(Spelling { spelled, told, .. }) = running.spelling.take() else { return Vec::new() };
        let arguments: Value = serde_json::from_str(&running.call.arguments).unwrap_or_default();
        let whole = arguments[spelled.argument].as_str().unwrap_or(&told);
        let place = json!({"item_id": running.item_id, "output_index": running.place});
        let mut frames = Vec::new();
        if let Some(rest) = whole.strip_prefix(&told).filter(|rest| !rest.is_empty()) {
            frames.push(self.spelled(spelled.event, "delta", place.clone(), "delta", rest));
        }
        frames.push(self.spelled(spelled.event, "done", place, spelled.argument, whole));
        frames
    }

    fn spelled(&mut self, event: &str, kind: &str, mut place: Value, field: &str, text: &str) -> Frame {
        place[field] = json!(text);
        self.event(&format!("{event}.{kind}"), place)
    }
}
