//! Where logs are: in memory while somebody writes or reads them, and on disk beside the home of their session.

use std::{
    collections::HashMap,
    fs, io,
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use cupola_hosting::{LogBook, LogLine, LogStream};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// The logs of all sessions.
#[derive(Debug)]
pub struct Shelf {
    sessions: PathBuf,
    books: Mutex<HashMap<String, Held>>,
}

/// A log in memory.
#[derive(Debug)]
struct Held {
    book: Arc<LogBook>,
    /// The number behind the last line that is on disk, too.
    kept: u64,
}

impl Held {
    /// Whether nobody uses it and the disk has all of it.
    fn is_needless(&self) -> bool {
        Arc::strong_count(&self.book) == 1 && *self.book.follow().borrow() == self.kept
    }
}

/// A line on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    number: u64,
    /// In nanoseconds since 1970.
    at: u64,
    stream: KeptStream,
    text: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptStream {
    Stdout,
    Stderr,
    Platform,
}

impl Shelf {
    /// The logs of the sessions whose folders lie in this one.
    pub fn new(sessions: PathBuf) -> Self {
        Self { sessions, books: Mutex::default() }
    }

    /// The log of a session, with what is kept of it on disk.
    pub fn book(&self, guid: &str) -> Arc<LogBook> {
        let mut books = self.books();
        if let Some(held) = books.get(guid) {
            return Arc::clone(&held.book);
        }
        // Whoever read along before is gone by now.
        books.retain(|_, held| !held.is_needless());
        // What is read here is small and rarely read: the first time that somebody asks.
        let book = Arc::new(self.read(guid));
        let kept = *book.follow().borrow();
        books.insert(guid.to_owned(), Held { book: Arc::clone(&book), kept });
        book
    }

    /// Writes a log to disk. It leaves the memory unless somebody still uses it.
    pub fn keep(&self, guid: &str) -> io::Result<()> {
        let Some(book) = self.books().get(guid).map(|held| Arc::clone(&held.book)) else { return Ok(()) };
        let lines = book.since(0);
        drop(book);
        self.write(guid, &lines)?;
        let mut books = self.books();
        if let Some(held) = books.get_mut(guid) {
            held.kept = lines.last().map_or(0, |line| line.number + 1);
        }
        books.retain(|_, held| !held.is_needless());
        Ok(())
    }

    /// Writes all logs to disk.
    pub fn keep_all(&self) -> io::Result<()> {
        let guids: Vec<String> = self.books().keys().cloned().collect();
        guids.iter().try_for_each(|guid| self.keep(guid))
    }

    /// Forgets a log; its file goes with the folder of its session. Whoever follows it is told.
    pub fn forget(&self, guid: &str) {
        if let Some(held) = self.books().remove(guid) {
            held.book.end();
        }
    }

    /// Tells whoever follows a log that the service stops.
    pub fn end_all(&self) {
        self.books().values().for_each(|held| held.book.end());
    }

    fn read(&self, guid: &str) -> LogBook {
        // A log that was never written is an empty one. So is one that a crash has damaged.
        let text = fs::read_to_string(self.sessions.join(guid).join("log")).unwrap_or_default();
        let lines = text.lines().map_while(|line| serde_json::from_str::<Kept>(line).ok());
        LogBook::after(lines.map(LogLine::from).collect())
    }

    fn write(&self, guid: &str, lines: &[LogLine]) -> io::Result<()> {
        let folder = self.sessions.join(guid);
        if lines.is_empty() || !folder.exists() {
            return Ok(());
        }
        let mut half = NamedTempFile::with_prefix_in("log-", &folder)?;
        let mut writer = io::BufWriter::new(half.as_file_mut());
        for line in lines {
            serde_json::to_writer(&mut writer, &Kept::from(line))?;
            writer.write_all(b"\n")?;
        }
        writer.flush()?;
        drop(writer);
        half.persist(folder.join("log")).map_err(|error| error.error)?;
        Ok(())
    }

    fn books(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&LogLine> for Kept {
    fn from(line: &LogLine) -> Self {
        let since = line.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stream = match line.stream {
            LogStream::Stdout => KeptStream::Stdout,
            LogStream::Stderr => KeptStream::Stderr,
            LogStream::Platform => KeptStream::Platform,
        };
        let at = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self { number: line.number, at, stream, text: line.text.clone() }
    }
}

impl From<Kept> for LogLine {
    fn from(kept: Kept) -> Self {
        let stream = match kept.stream {
            KeptStream::Stdout => LogStream::Stdout,
            KeptStream::Stderr => LogStream::Stderr,
            KeptStream::Platform => LogStream::Platform,
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(kept.at);
        Self { number: kept.number, at, stream, text: kept.text }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_still_there_after_a_restart() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("s")).unwrap();
        let shelf = Shelf::new(place.path().to_owned());
        shelf.book("s").add(LogStream::Stderr, "a \"line\"".as_bytes());
        let said = shelf.book("s").since(0);
        shelf.keep("s").unwrap();
        assert_eq!(shelf.books().len(), 0, "it leaves the memory");
        let next = Shelf::new(place.path().to_owned());
        assert_eq!(next.book("s").since(0), said);
        next.book("s").add(LogStream::Stdout, b"more");
        assert_eq!(next.book("s").since(0).last().map(|line| line.number), Some(1));
    }

    #[test]
    fn logs_that_were_only_read_do_not_pile_up() {
        let place = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(place.path().to_owned());
        for number in 0..100 {
            shelf.book(&number.to_string());
        }
        assert_eq!(shelf.books().len(), 1);
        shelf.book("writing").add(LogStream::Stdout, b"not on disk yet");
        shelf.book("another");
        assert_eq!(shelf.book("writing").since(0).len(), 1);
    }

    #[test]
    fn a_log_that_is_followed_stays_in_memory() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("s")).unwrap();
        let shelf = Shelf::new(place.path().to_owned());
        let followed = shelf.book("s");
        shelf.keep("s").unwrap();
        shelf.book("s").add(LogStream::Stdout, b"resumed");
        assert_eq!(followed.since(0).len(), 1);
    }

    #[test]
    fn a_deleted_session_leaves_no_log() {
        let place = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(place.path().to_owned());
        let followed = shelf.book("s");
        followed.add(LogStream::Stdout, b"a");
        shelf.keep("s").unwrap();
        shelf.forget("s");
        assert_eq!(*followed.follow().borrow(), cupola_hosting::ENDED);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
