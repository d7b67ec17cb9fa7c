//! Server-sent events, as far as A2A uses them: each holds one JSON document.

use bytes::{Buf, BytesMut};
use serde_json::Value;

/// The longest event, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// Reads events that come bit by bit.
#[derive(Debug, Default)]
pub struct Events {
    held: BytesMut,
    data: String,
}

/// An event that is too long, or is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEvent;

impl Events {
    /// The next bytes, and the documents that they complete.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Value>, BadEvent> {
        self.held.extend_from_slice(bytes);
        let mut documents = Vec::new();
        while let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
            let line = self.held.split_to(end);
            self.held.advance(1);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.is_empty() {
                documents.extend(self.complete()?);
            } else if let Some(data) = line.strip_prefix(b"data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                let data = data.strip_prefix(b" ").unwrap_or(data);
                self.data.push_str(std::str::from_utf8(data).map_err(|_| BadEvent)?);
            }
        }
        if self.held.len() + self.data.len() > LONGEST { Err(BadEvent) } else { Ok(documents) }
    }

    /// The document of the event that ends here.
    fn complete(&mut self) -> Result<Option<Value>, BadEvent> {
        let data = std::mem::take(&mut self.data);
        if data.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&data).map(Some).map_err(|_| BadEvent)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = ": hello\r\nevent: x\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n\r\nid: 7\ndata:{\"ä\":2}\n\n";
        for cut in 0..text.len() {
            let mut events = Events::default();
            let mut seen = events.read(&text.as_bytes()[..cut]).expect("is well formed");
            seen.extend(events.read(&text.as_bytes()[cut..]).expect("is well formed"));
            assert_eq!(seen, [json!({"a": 1}), json!({"ä": 2})]);
        }
    }

    #[test]
    fn what_is_no_json_or_never_ends_is_refused() {
        assert_eq!(Events::default().read(b"data: {\n\n"), Err(BadEvent));
        let mut events = Events::default();
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(events.read(&long), Err(BadEvent));
    }
}
