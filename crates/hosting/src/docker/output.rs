//! A container's output, line by line.

use std::sync::Arc;

use bollard::{container::LogOutput, errors::Error};
use futures_util::{Stream, StreamExt as _};

use crate::{LogBook, LogStream};

/// How much of a line is kept while its end has not come.
const LONGEST: usize = 16 * 1024;

/// Adds what comes to the log, until nothing more does.
pub(super) async fn copy(output: impl Stream<Item = Result<LogOutput, Error>>, logs: Arc<LogBook>) {
    let mut output = std::pin::pin!(output);
    let (mut stdout, mut stderr) = (Lines::default(), Lines::default());
    // When the daemon goes away, that is for whoever waits for the container's end to say.
    while let Some(Ok(piece)) = output.next().await {
        match piece {
            LogOutput::StdErr { message } => stderr.take(&message, |line| logs.add(LogStream::Stderr, line)),
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                stdout.take(&message, |line| logs.add(LogStream::Stdout, line));
            }
            LogOutput::StdIn { .. } => {}
        }
    }
    stdout.finish(|line| logs.add(LogStream::Stdout, line));
    stderr.finish(|line| logs.add(LogStream::Stderr, line));
}

/// Pieces that become lines.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn take(&mut self, piece: &[u8], mut line: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.begin(&rest[..end]);
            line(&self.begun);
            self.begun.clear();
            rest = &rest[end + 1..];
        }
        self.begin(rest);
    }

    fn begin(&mut self, piece: &[u8]) {
        let room = LONGEST.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            line(&self.begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn copied(pieces: Vec<LogOutput>) -> Vec<(LogStream, String)> {
        let logs = Arc::new(LogBook::default());
        copy(futures_util::stream::iter(pieces.into_iter().map(Ok)), Arc::clone(&logs)).await;
        logs.since(0).into_iter().map(|line| (line.stream, line.text)).collect()
    }

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    fn err(text: &str) -> LogOutput {
        LogOutput::StdErr { message: text.to_owned().into() }
    }

    #[tokio::test]
    async fn pieces_become_lines_of_their_own_stream() {
        let lines = copied(vec![out("a\nb"), err("x"), out("c\n\nd"), err("y\n")]).await;
        let expected = [
            (LogStream::Stdout, "a"),
            (LogStream::Stdout, "bc"),
            (LogStream::Stdout, ""),
            (LogStream::Stderr, "xy"),
            (LogStream::Stdout, "d"),
        ];
        assert_eq!(lines, expected.map(|(stream, text)| (stream, text.to_owned())));
    }

    #[tokio::test]
    async fn a_line_without_end_takes_no_memory_without_end() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.take(&[b'x'; LONGEST], |_| {});
        }
        assert_eq!(lines.begun.len(), LONGEST);
    }
}
