//! What a sandbox says, line by line: the last lines are kept, and readers follow what comes.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::watch;

/// A line longer than this is cut.
const LONGEST_LINE: usize = 8 * 1024;

/// How many bytes of lines are kept.
const KEPT_BYTES: usize = 256 * 1024;

/// What a line takes beside its text: nobody gets lines for nothing, not even empty ones.
const LINE_BYTES: usize = size_of::<LogLine>();

/// What followers are told once there is nothing more to wait for.
pub const ENDED: u64 = u64::MAX;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// The program's standard output.
    Stdout,
    /// The program's standard error.
    Stderr,
    /// The platform, about the sandbox.
    Platform,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number; they have no gaps.
    pub number: u64,
    /// When it came.
    pub at: SystemTime,
    /// Where it came from.
    pub stream: LogStream,
    /// The line, without its end.
    pub text: String,
}

/// The last lines of a sandbox. A flood costs its oldest lines, never memory, and never holds the program up.
#[derive(Debug)]
pub struct LogBook {
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    bytes: usize,
    next: u64,
}

impl Default for LogBook {
    fn default() -> Self {
        Self { kept: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl LogBook {
    /// Adds a line. Bytes that are no text are replaced, and what is too long is cut.
    pub fn add(&self, stream: LogStream, line: &[u8]) {
        let cut = line.len() > LONGEST_LINE;
        let line = &line[..line.len().min(LONGEST_LINE)];
        let mut text = String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned();
        if cut {
            text.push('…');
        }
        let mut kept = self.kept();
        let number = kept.next;
        kept.next += 1;
        kept.bytes += LINE_BYTES + text.len();
        kept.lines.push_back(LogLine { number, at: SystemTime::now(), stream, text });
        while kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= LINE_BYTES + oldest.text.len();
        }
        drop(kept);
        self.newest.send_if_modified(|newest| {
            let goes_on = *newest != ENDED;
            if goes_on {
                *newest = number + 1;
            }
            goes_on
        });
    }

    /// The kept lines with this number or a later one.
    pub fn since(&self, number: u64) -> Vec<LogLine> {
        let kept = self.kept();
        let skipped = kept.lines.partition_point(|line| line.number < number);
        kept.lines.iter().skip(skipped).cloned().collect()
    }

    /// What the program said last on standard error, as a sentence that goes on behind another one; empty where it
    /// said nothing.
    pub fn last_words(&self, count: usize) -> String {
        let lines = self.since(0).into_iter().filter(|line| line.stream == LogStream::Stderr);
        let mut lines: Vec<String> = lines.map(|line| line.text).collect();
        let last = lines.split_off(lines.len().saturating_sub(count));
        match last.is_empty() {
            true => String::new(),
            false => format!(" Its last lines on standard error: {}", last.join(" | ")),
        }
    }

    /// The last lines, oldest first.
    pub fn last(&self, count: usize) -> Vec<LogLine> {
        let kept = self.kept();
        let skipped = kept.lines.len().saturating_sub(count);
        kept.lines.iter().skip(skipped).cloned().collect()
    }

    /// A book that goes on behind these lines, which were kept from an earlier one.
    pub fn after(lines: Vec<LogLine>) -> Self {
        let next = lines.last().map_or(0, |line| line.number + 1);
        let bytes = lines.iter().map(|line| LINE_BYTES + line.text.len()).sum();
        let kept = Kept { lines: lines.into(), bytes, next };
        Self { kept: Mutex::new(kept), newest: watch::Sender::new(next) }
    }

    /// Tells followers that they need not wait any longer.
    pub fn end(&self) {
        self.newest.send_replace(ENDED);
    }

    /// Tells the number of the next line whenever one was added, and [`ENDED`] in the end.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_read_from_any_place() {
        let book = LogBook::default();
        for line in ["a\n", "b\r\n", "c"] {
            book.add(LogStream::Stdout, line.as_bytes());
        }
        assert_eq!(texts(&book.since(0)), ["a", "b", "c"]);
        assert_eq!(texts(&book.since(2)), ["c"]);
        assert_eq!(texts(&book.last(2)), ["b", "c"]);
    }

    #[test]
    fn a_flood_costs_the_oldest_lines() {
        let book = LogBook::default();
        for _ in 0..100 {
            book.add(LogStream::Stderr, &[b'x'; LONGEST_LINE + 1]);
        }
        let lines = book.since(0);
        assert!(lines.len() <= KEPT_BYTES / LONGEST_LINE + 1, "{}", lines.len());
        assert_eq!(lines.last().map(|line| line.number), Some(99));
        assert!(lines[0].text.ends_with('…'));
    }

    #[test]
    fn a_flood_of_empty_lines_is_a_flood_too() {
        let book = LogBook::default();
        for _ in 0..2 * KEPT_BYTES / LINE_BYTES {
            book.add(LogStream::Stdout, b"\n");
        }
        assert_eq!(book.since(0).len(), KEPT_BYTES / LINE_BYTES);
    }

    #[test]
    fn a_book_goes_on_where_an_earlier_one_ended() {
        let book = LogBook::default();
        for line in ["a", "b"] {
            book.add(LogStream::Stdout, line.as_bytes());
        }
        let next = LogBook::after(book.since(1));
        next.add(LogStream::Stdout, b"c");
        let numbers: Vec<u64> = next.since(0).iter().map(|line| line.number).collect();
        assert_eq!((texts(&next.since(0)), numbers), (vec!["b", "c"], vec![1, 2]));
    }

    #[tokio::test]
    async fn a_follower_is_told_once_nothing_more_comes() {
        let book = LogBook::default();
        let follower = book.follow();
        book.end();
        book.add(LogStream::Platform, b"late");
        assert_eq!(*follower.borrow(), ENDED);
    }

    #[tokio::test]
    async fn a_follower_is_told_of_new_lines() {
        let book = LogBook::default();
        let mut follower = book.follow();
        book.add(LogStream::Platform, b"started");
        assert!(follower.changed().await.is_ok());
        assert_eq!(*follower.borrow(), 1);
    }
}
