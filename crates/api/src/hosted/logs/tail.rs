//! Reads a log: what is there, then what comes, until nothing has come for a while.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use cupola_hosting::{ENDED, LogBook, LogLine};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::query::{LogKind, LogQuery};

/// For how long a log is followed.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often silence is told; never where it is left out.
    pub told_every: Option<Duration>,
    /// How long silence may last.
    pub silence: Duration,
    /// How long it may take in all.
    pub most: Duration,
}

/// What a reader learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A line.
    Line(LogLine),
    /// So many lines came faster than they were read, and are gone.
    Missed(u64),
    /// Nothing has come for this long.
    Silence(Duration),
}

/// A reader of a log.
#[derive(Debug)]
pub struct Tail {
    book: Arc<LogBook>,
    news: watch::Receiver<u64>,
    kind: LogKind,
    /// Whether it goes on after the past lines.
    follows: bool,
    patience: Patience,
    /// Lines that were read and not yet given.
    read: VecDeque<LogLine>,
    /// The number of the next line to read.
    next: u64,
    until: Instant,
    silent_since: Instant,
    /// How often the silence that lasts has been told.
    told: u32,
}

impl Tail {
    /// Begins with the past lines.
    pub fn begin(book: Arc<LogBook>, query: LogQuery, patience: Patience) -> Self {
        let news = book.follow();
        let past = book.since(0);
        let next = past.last().map_or(0, |line| line.number + 1);
        let mut read: VecDeque<LogLine> = past.into_iter().filter(|line| query.kind.holds(line)).collect();
        if let Some(tail) = query.tail {
            read.drain(..read.len().saturating_sub(tail));
        }
        let now = Instant::now();
        Self {
            book,
            news,
            kind: query.kind,
            follows: query.follow,
            patience,
            read,
            next,
            until: now + patience.most,
            silent_since: now,
            told: 0,
        }
    }

    /// What comes next; `None` at the end.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            if let Some(line) = self.read.pop_front() {
                return Some(News::Line(line));
            }
            if !self.follows {
                return None;
            }
            let newest = *self.news.borrow_and_update();
            if let Some(missed) = self.read_on() {
                return Some(missed);
            }
            if !self.read.is_empty() {
                continue;
            }
            if newest == ENDED {
                return None;
            }
            let wakes_at = self.wakes_at();
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                () = sleep_until(wakes_at) => return self.silence(),
            }
        }
    }

    /// Reads the lines that have come.
    fn read_on(&mut self) -> Option<News> {
        let lines = self.book.since(self.next);
        let first = lines.first()?.number;
        if first > self.next {
            let missed = first - self.next;
            self.next = first;
            return Some(News::Missed(missed));
        }
        self.next += lines.len() as u64;
        self.read.extend(lines.into_iter().filter(|line| self.kind.holds(line)));
        if !self.read.is_empty() {
            self.silent_since = Instant::now();
            self.told = 0;
        }
        None
    }

    fn wakes_at(&self) -> Instant {
        let ends_at = self.until.min(self.silent_since + self.patience.silence);
        match self.patience.told_every {
            Some(every) => ends_at.min(self.silent_since + every * (self.told + 1)),
            None => ends_at,
        }
    }

    fn silence(&mut self) -> Option<News> {
        let every = self.patience.told_every?;
        let lasts = every * (self.told + 1);
        let now = Instant::now();
        if now >= self.until || lasts >= self.patience.silence {
            return None;
        }
        self.told += 1;
        Some(News::Silence(lasts))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use cupola_hosting::LogStream;

    use super::*;

    const PATIENCE: Patience = Patience {
        told_every: Some(Duration::from_secs(20)),
        silence: Duration::from_secs(120),
        most: Duration::from_secs(1800),
    };

    fn all(follow: bool) -> LogQuery {
        LogQuery { kind: LogKind::All, tail: None, follow }
    }

    fn text(news: Option<News>) -> String {
        match news {
            Some(News::Line(line)) => line.text,
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn past_lines_come_first_and_alone_where_nobody_follows() {
        let book = Arc::new(LogBook::default());
        for line in ["a", "b", "c"] {
            book.add(LogStream::Stdout, line.as_bytes());
        }
        let last = LogQuery { tail: Some(2), ..all(false) };
        let mut tail = Tail::begin(Arc::clone(&book), last, PATIENCE);
        book.add(LogStream::Stdout, b"d");
        assert_eq!([text(tail.next().await), text(tail.next().await)], ["b", "c"]);
        assert_eq!(tail.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_and_ends_the_stream() {
        let book = Arc::new(LogBook::default());
        let begun = Instant::now();
        let mut tail = Tail::begin(Arc::clone(&book), all(true), PATIENCE);
        assert_eq!(tail.next().await, Some(News::Silence(Duration::from_secs(20))));
        book.add(LogStream::Stdout, b"a");
        assert_eq!(text(tail.next().await), "a");
        for seconds in [20, 40, 60, 80, 100] {
            assert_eq!(tail.next().await, Some(News::Silence(Duration::from_secs(seconds))));
        }
        assert_eq!(tail.next().await, None);
        assert_eq!(begun.elapsed().as_secs(), 140);
    }

    #[tokio::test(start_paused = true)]
    async fn a_talkative_program_is_followed_for_half_an_hour() {
        let book = Arc::new(LogBook::default());
        let begun = Instant::now();
        let mut tail = Tail::begin(Arc::clone(&book), all(true), PATIENCE);
        let mut seen = 0;
        while let Some(news) = tail.next().await {
            if matches!(news, News::Silence(_)) {
                book.add(LogStream::Stdout, b"a");
            } else {
                seen += 1;
            }
        }
        assert_eq!((begun.elapsed().as_secs(), seen), (1800, 89));
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_told_what_it_missed() {
        let book = Arc::new(LogBook::default());
        let mut tail = Tail::begin(Arc::clone(&book), all(true), PATIENCE);
        for _ in 0..100 {
            book.add(LogStream::Stdout, &[b'x'; 8 * 1024]);
        }
        let Some(News::Missed(missed)) = tail.next().await else { panic!("nothing was missed") };
        let Some(News::Line(line)) = tail.next().await else { panic!("no line came") };
        assert_eq!(line.number, missed);
    }

    #[tokio::test]
    async fn the_end_of_a_book_ends_its_readers() {
        let book = Arc::new(LogBook::default());
        let mut tail = Tail::begin(Arc::clone(&book), all(true), PATIENCE);
        book.add(LogStream::Stdout, b"last");
        book.end();
        assert_eq!(text(tail.next().await), "last");
        assert_eq!(tail.next().await, None);
    }

    #[tokio::test]
    async fn only_the_lines_of_a_kind_are_shown() {
        let book = Arc::new(LogBook::default());
        book.add(LogStream::Platform, b"started");
        book.add(LogStream::Stderr, b"hello");
        for (kind, expected) in [(LogKind::Console, "hello"), (LogKind::System, "started")] {
            let mut tail = Tail::begin(Arc::clone(&book), LogQuery { kind, ..all(false) }, PATIENCE);
            assert_eq!(text(tail.next().await), expected);
            assert_eq!(tail.next().await, None);
        }
    }
}
