//! Decodes a stream of server-sent events.
//! Pure: bytes go in however they were split on the way, events come out.

use std::mem;

/// One event: its `data` lines joined by line feeds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) data: &'a [u8],
}

/// A line or an event is longer than the decoder accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Decoder state between two pieces of the stream.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// A line whose end has not come yet.
    partial: Vec<u8>,
    /// The data lines of the event so far, each followed by a line feed.
    data: Vec<u8>,
    /// The last line ended with CR: an LF right after it belongs to that line end.
    after_cr: bool,
    /// Nothing but (part of) a byte order mark has been seen.
    at_start: bool,
    limit: usize,
}

impl Decoder {
    /// A decoder that accepts lines and events of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { partial: Vec::new(), data: Vec::new(), after_cr: false, at_start: true, limit }
    }

    /// Takes the next bytes and hands out the events that they complete.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                return self.keep(bytes);
            };
            self.after_cr = bytes[end] == b'\r';
            if self.partial.is_empty() {
                self.line(&bytes[..end], &mut on_event)?;
            } else {
                self.keep(&bytes[..end])?;
                let line = mem::take(&mut self.partial);
                self.line(&line, &mut on_event)?;
                self.partial = line;
                self.partial.clear();
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    /// The stream has ended. Servers that leave out the last empty line still get their event through.
    pub(crate) fn finish(&mut self, mut on_event: impl FnMut(Event<'_>)) -> Result<(), TooLong> {
        let line = mem::take(&mut self.partial);
        self.line(&line, &mut on_event)?;
        self.dispatch(&mut on_event);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.partial.len() + bytes.len() > self.limit {
            return Err(TooLong);
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8], on_event: &mut impl FnMut(Event<'_>)) -> Result<(), TooLong> {
        let line = if mem::take(&mut self.at_start) {
            line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            self.dispatch(on_event);
            return Ok(());
        }
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[][..],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            // A comment, or a field that chat completions do not use.
            _ => return Ok(()),
        };
        if self.data.len() + value.len() > self.limit {
            return Err(TooLong);
        }
        self.data.extend_from_slice(value);
        self.data.push(b'\n');
        Ok(())
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if let Some((_, data)) = self.data.split_last() {
            on_event(Event { data });
            self.data.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<String>, TooLong> {
        let mut decoder = Decoder::new(1000);
        let mut events = Vec::new();
        let mut take = |event: Event<'_>| events.push(String::from_utf8_lossy(event.data).into_owned());
        for piece in pieces {
            decoder.feed(piece, &mut take)?;
        }
        decoder.finish(&mut take)?;
        Ok(events)
    }

    #[test]
    fn events_are_separated_by_empty_lines() {
        assert_eq!(decode([&b"data: a\n\ndata:b\n\n"[..]]).unwrap(), ["a", "b"]);
    }

    #[test]
    fn every_kind_of_line_end_counts() {
        assert_eq!(decode([&b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"[..]]).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn data_lines_of_one_event_are_joined() {
        assert_eq!(decode([&b"data: a\ndata\ndata: b\n\n"[..]]).unwrap(), ["a\n\nb"]);
    }

    #[test]
    fn comments_other_fields_and_a_byte_order_mark_are_skipped() {
        let text = "\u{feff}data: a\n: keep-alive\nevent: x\nid: 7\ndatabase: no\n\n: only a comment\n\n";
        assert_eq!(decode([text.as_bytes()]).unwrap(), ["a"]);
    }

    #[test]
    fn the_last_event_needs_no_empty_line() {
        assert_eq!(decode([&b"data: a\n\ndata: [DONE]"[..]]).unwrap(), ["a", "[DONE]"]);
    }

    #[test]
    fn lines_and_events_have_a_limit() {
        let long_line = format!("data: {}", "x".repeat(1000));
        assert_eq!(decode([long_line.as_bytes()]), Err(TooLong));
        let long_event = format!("data: {}\n", "x".repeat(100)).repeat(11);
        assert_eq!(decode([long_event.as_bytes()]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_events(
            lines in prop::collection::vec("(data|data:|data: |: |event: )[a-zä]{0,6}|", 0..12),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let ended = lines.iter().zip(&ends).flat_map(|(line, end)| [line.as_str(), *end]);
            let text: String = ended.collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]);
            prop_assert_eq!(decode(pieces), decode([text.as_bytes()]));
        }

        #[test]
        fn no_bytes_upset_it(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode([&bytes[..]]).is_ok());
        }
    }
}
