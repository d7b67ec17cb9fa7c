//! Reads server-sent events from bytes that arrive in any pieces.
//!
//! Comments, CR, LF and CRLF, several `data:` lines and a missing last blank line are all fine.

use std::collections::VecDeque;

use azure_core::http::{AsyncRawResponse, AsyncResponseBody};
use cupola_wire::classic::StreamEvent;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};

use crate::{Error, Result, error::chain};

/// More than any event needs, and few enough to stop a stream that never ends a line.
const LONGEST_EVENT: usize = 64 * 1024 * 1024;

/// The events in the body of `response`, as they stand there. Nothing comes after an error.
pub(crate) fn server_sent_events(response: AsyncRawResponse) -> BoxStream<'static, Result<StreamEvent>> {
    let body = Body { body: Some(response.into_body()), reader: SseReader::default(), read: VecDeque::new() };
    stream::unfold(body, |mut body| async move { body.next().await.map(|event| (event, body)) }).boxed()
}

/// Where the reading of a body stands.
struct Body {
    /// Absent where it was read to its end.
    body: Option<AsyncResponseBody>,
    reader: SseReader,
    read: VecDeque<StreamEvent>,
}

impl Body {
    async fn next(&mut self) -> Option<Result<StreamEvent>> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(Ok(event));
            }
            match self.body.as_mut()?.next().await {
                Some(Ok(piece)) => {
                    if let Err(error) = self.reader.feed(&piece, &mut self.read) {
                        self.body = None;
                        return Some(Err(error));
                    }
                }
                Some(Err(error)) => {
                    self.body = None;
                    return Some(Err(Error::StreamEnded(chain(&error))));
                }
                None => {
                    self.body = None;
                    self.read.extend(self.reader.finish());
                }
            }
        }
    }
}

/// Reads server-sent events from bytes that arrive in any pieces.
#[derive(Debug, Default)]
pub(crate) struct SseReader {
    line: Vec<u8>,
    after_cr: bool,
    past_first_line: bool,
    event: String,
    data: Option<String>,
}

impl SseReader {
    /// Takes the next piece; the events that it completes go to `events`.
    pub(crate) fn feed(&mut self, piece: &[u8], events: &mut VecDeque<StreamEvent>) -> Result<()> {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            // The LF of a CRLF: its line has ended with the CR.
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.keep(rest)?;
                break;
            };
            self.keep(&rest[..end])?;
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line());
        }
        Ok(())
    }

    /// The end of the stream; an event without its blank line counts.
    pub(crate) fn finish(&mut self) -> Option<StreamEvent> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.end_event()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<()> {
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held + bytes.len() > LONGEST_EVENT {
            return Err(Error::StreamEnded(format!("an event is longer than {LONGEST_EVENT} bytes")));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<StreamEvent> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let line = match std::mem::replace(&mut self.past_first_line, true) {
            false => line.strip_prefix('\u{feff}').unwrap_or(&line),
            true => &line,
        };
        if line.is_empty() {
            return self.end_event();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event = value.to_owned(),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            // A comment has an empty name; ids and retry times have no use here.
            _ => {}
        }
        None
    }

    /// An event without data is none, as the standard says.
    fn end_event(&mut self) -> Option<StreamEvent> {
        let event = std::mem::take(&mut self.event);
        self.data.take().map(|data| StreamEvent { event, data })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<StreamEvent> {
        let (mut reader, mut events) = (SseReader::default(), VecDeque::new());
        for piece in pieces {
            reader.feed(piece, &mut events).unwrap();
        }
        events.extend(reader.finish());
        events.into()
    }

    fn event(event: &str, data: &str) -> StreamEvent {
        StreamEvent { event: event.to_owned(), data: data.to_owned() }
    }

    const MESSY: &str = "\u{feff}: hello\r\n\r\nevent:thread.created\r\ndata:{\"a\": 1}\r\n\r\n\n\n\
        : ping\nevent: two lines\ndata: first\ndata\ndata:  é🦀\nid: 7\n\nevent: no data\n\n\
        event: cr\rdata: x\r\revent: done\ndata: [DONE]";

    fn messy_events() -> Vec<StreamEvent> {
        vec![
            event("thread.created", "{\"a\": 1}"),
            event("two lines", "first\n\n é🦀"),
            event("cr", "x"),
            event("done", "[DONE]"),
        ]
    }

    #[test]
    fn comments_line_ends_and_stray_blank_lines_do_not_matter() {
        assert_eq!(read([MESSY.as_bytes()]), messy_events());
    }

    #[test]
    fn one_byte_at_a_time_gives_the_same_events() {
        assert_eq!(read(MESSY.as_bytes().chunks(1)), messy_events());
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(mut cuts in prop::collection::vec(0..MESSY.len(), 0..12)) {
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut rest = MESSY.as_bytes();
            for cut in cuts.into_iter().rev() {
                let (head, tail) = rest.split_at(cut);
                pieces.push(tail);
                rest = head;
            }
            pieces.push(rest);
            pieces.reverse();
            prop_assert_eq!(read(pieces), messy_events());
        }

        #[test]
        fn what_is_written_is_read_whatever_the_line_end(
            texts in prop::collection::vec("[^\r\n\u{feff}]{0,20}", 1..6),
            end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            size in 1_usize..9,
        ) {
            let mut written = String::new();
            for text in &texts {
                written.push_str(&format!("event: e{end}: note{end}data: {text}{end}{end}"));
            }
            let expected: Vec<_> = texts.iter().map(|text| event("e", text)).collect();
            prop_assert_eq!(read(written.as_bytes().chunks(size)), expected);
        }
    }
}
