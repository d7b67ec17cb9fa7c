//! The message that a model writes: announced when it begins to speak, told piece by piece, written down when it
//! has answered. Its citations keep their markers, and annotations say where those are.

use cupola_engine::Frame;
use cupola_wire::{
    Extra, Metadata,
    classic::{
        Annotation, ContentBlock, FileReference, ImageFile, IncompleteDetails, Message, MessageCreation,
        MessageReference, Role, RunStep, StepDetails, StepStatus, Text, TextBlock, Usage,
    },
};
use serde_json::{Value, json};

use super::*;
use crate::citations::{Piece, Reader, Source, Sources, length};

/// A message that was announced, and its step.
pub(super) struct Announced {
    pub step: RunStep,
    pub message: Message,
    /// How much of it was told, in code points.
    said: usize,
    /// How many of its annotations were told.
    annotations: usize,
    spoken: bool,
    /// The pictures that stand before its text.
    figures: Vec<String>,
}

/// How a message ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageEnd {
    Completed,
    Incomplete(&'static str),
}

impl RunProjection {
    /// More text.
    pub(super) fn say(&mut self, text: &str) -> Vec<Frame> {
        if self.sources.is_empty() {
            return self.say_piece(Piece::Words(text.to_owned()));
        }
        let pieces = self.reader.read(text, &self.sources);
        pieces.into_iter().flat_map(|piece| self.say_piece(piece)).collect()
    }

    fn say_piece(&mut self, piece: Piece) -> Vec<Frame> {
        let mut frames = if self.message.is_none() { self.announce_message() } else { Vec::new() };
        let Some(announced) = &mut self.message else { return frames };
        let first = !std::mem::replace(&mut announced.spoken, true);
        let (text, annotations) = match piece {
            Piece::Words(words) => (words, first.then(Vec::new)),
            Piece::Citation { marker, source } => {
                // In a stream annotations are counted, and have an empty quote.
                let mut annotation = json!({"index": announced.annotations});
                let plain = source.in_message(&marker, announced.said);
                if let (Value::Object(counted), Value::Object(plain)) = (&mut annotation, plain) {
                    counted.extend(plain);
                }
                if let Source::File { .. } = source {
                    annotation["file_citation"]["quote"] = json!("");
                }
                announced.annotations += 1;
                (marker, Some(vec![annotation]))
            }
        };
        announced.said += length(&text);
        frames.push(frame(
            "thread.message.delta",
            &text_delta(&announced.message.id, announced.figures.len(), &text, annotations),
        ));
        frames
    }

    /// What was held back because it might have become a citation.
    fn say_rest(&mut self) -> Vec<Frame> {
        let rest = self.reader.rest();
        let is_told = self.message.as_ref().is_some_and(|announced| announced.spoken);
        if rest.is_empty() || !is_told { Vec::new() } else { self.say_piece(Piece::Words(rest)) }
    }

    /// The message as it is, with its step.
    pub(super) fn write_message(
        &mut self,
        now: i64,
        text: &str,
        step_status: StepStatus,
        end: MessageEnd,
        usage: Usage,
        out: &mut Output,
    ) {
        let rest = self.say_rest();
        out.announce(rest);
        if self.message.is_none() {
            let frames = self.announce_message();
            out.announce(frames);
        }
        let Some(Announced { mut step, mut message, figures, .. }) = self.message.take() else { return };
        let annotations = annotations(text, &self.sources);
        let figures = figures.into_iter().map(|file_id| {
            ContentBlock::ImageFile(ImageFile { image_file: FileReference { file_id, detail: None } })
        });
        let text = ContentBlock::Text(TextBlock { text: Text { value: text.to_owned(), annotations } });
        message.content = figures.chain([text]).collect();
        let event = match end {
            MessageEnd::Completed => {
                message.status = Some("completed".to_owned());
                message.completed_at = Some(Some(now));
                "thread.message.completed"
            }
            MessageEnd::Incomplete(reason) => {
                message.status = Some("incomplete".to_owned());
                message.incomplete_details = Some(Some(IncompleteDetails { reason: reason.to_owned() }));
                message.incomplete_at = Some(Some(now));
                "thread.message.incomplete"
            }
        };
        settle(&mut step, step_status, now, self.run.last_error.as_ref());
        step.usage = Some(usage);
        out.changes.push(self.insert_message(&message, end));
        out.changes.push(self.insert_step(&step));
        out.show(event, &message);
        out.show(step_event(step_status), &step);
    }

    fn insert_message(&self, message: &Message, end: MessageEnd) -> Change {
        let mut stored = message.clone();
        if end == MessageEnd::Completed {
            // Over REST a finished message has no status fields.
            stored.status = None;
            stored.incomplete_details = None;
            stored.incomplete_at = None;
            stored.completed_at = None;
        }
        Change::Insert {
            key: Key::new(&self.project, MESSAGE, message.id.clone()),
            parent: self.run.thread_id.clone(),
            facet: self.run.id.clone(),
            created_at: message.created_at,
            doc: document(&stored),
            aside: None,
        }
    }

    fn announce_message(&mut self) -> Vec<Frame> {
        let message_id = ids::new("msg_");
        let details = StepDetails::MessageCreation(MessageCreation {
            message_creation: MessageReference { message_id: message_id.clone() },
        });
        let step = self.new_step(self.call_began, "message_creation", details);
        let message = Message {
            id: message_id,
            object: "thread.message".to_owned(),
            created_at: self.call_began,
            assistant_id: Some(self.run.assistant_id.clone()),
            thread_id: self.run.thread_id.clone(),
            run_id: Some(self.run.id.clone()),
            status: Some("in_progress".to_owned()),
            incomplete_details: Some(None),
            incomplete_at: Some(None),
            completed_at: Some(None),
            role: Role::Assistant,
            content: Vec::new(),
            attachments: Vec::new(),
            metadata: Metadata::new(),
            extra: Extra::new(),
        };
        let mut frames = vec![
            frame("thread.run.step.created", &step),
            frame("thread.run.step.in_progress", &step),
            frame("thread.message.created", &message),
            frame("thread.message.in_progress", &message),
        ];
        let figures = std::mem::take(&mut self.figures);
        let deltas = figures.iter().enumerate().map(|(index, file)| image_delta(&message.id, index, file));
        frames.extend(deltas.map(|delta| frame("thread.message.delta", &delta)));
        self.message = Some(Announced { step, message, said: 0, annotations: 0, spoken: false, figures });
        frames
    }
}

/// The annotations of a whole text.
fn annotations(text: &str, sources: &Sources) -> Vec<Annotation> {
    if sources.is_empty() {
        return Vec::new();
    }
    let mut said = 0;
    let mut annotations = Vec::new();
    for piece in Reader::default().read(text, sources) {
        match piece {
            Piece::Words(words) => said += length(&words),
            Piece::Citation { marker, source } => {
                annotations.push(source.in_message(&marker, said));
                said += length(&marker);
            }
        }
    }
    annotations
}
