//! Puts the deployment's name where an upstream's answer names its model; everything else stays as it came.

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};

use crate::body::document;

/// Renames the model in an answer, or in the events of one.
pub struct Renamer {
    name: Option<Box<RawValue>>,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
}

impl Renamer {
    /// Puts in this name.
    pub fn new(deployment: &str) -> Self {
        // A text can always be written.
        Self { name: to_raw_value(deployment).ok(), line: Vec::new() }
    }

    /// A whole JSON object, renamed; `None` if it is none.
    pub fn renamed(&self, object: &[u8]) -> Option<Bytes> {
        let mut fields: IndexMap<String, Box<RawValue>> = serde_json::from_slice(object).ok()?;
        if let (Some(model), Some(name)) = (fields.get_mut("model"), &self.name) {
            *model = name.clone();
        }
        Some(document(&fields))
    }

    /// The lines that these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Bytes {
        let mut done = Vec::with_capacity(bytes.len() + 32);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.push_line(&mut done);
            }
        }
        done.into()
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Bytes {
        let mut done = Vec::new();
        self.push_line(&mut done);
        done.into()
    }

    fn push_line(&mut self, done: &mut Vec<u8>) {
        let data = self.line.strip_prefix(b"data:").map(<[u8]>::trim_ascii);
        match data.and_then(|data| self.renamed(data)) {
            Some(renamed) => {
                done.extend_from_slice(b"data: ");
                done.extend_from_slice(&renamed);
                done.push(b'\n');
            }
            None => done.extend_from_slice(&self.line),
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_changes_and_numbers_keep_their_digits() {
        let answer = br#"{"id":"x","model":"gpt-2026","data":[0.10000000000000000001]}"#;
        let renamed = Renamer::new("chat").renamed(answer).expect("is an object");
        assert_eq!(renamed, r#"{"id":"x","model":"chat","data":[0.10000000000000000001]}"#);
    }

    #[test]
    fn events_are_renamed_however_they_are_cut() {
        let stream = "data: {\"model\":\"m\",\"n\":1}\n\n: keep-alive\n\ndata: [DONE]\n\n";
        let expected = "data: {\"model\":\"d\",\"n\":1}\n\n: keep-alive\n\ndata: [DONE]\n\n";
        for size in 1..stream.len() {
            let mut renamer = Renamer::new("d");
            let mut seen = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                seen.extend_from_slice(&renamer.feed(piece));
            }
            seen.extend_from_slice(&renamer.rest());
            assert_eq!(String::from_utf8_lossy(&seen), expected);
        }
    }
}
