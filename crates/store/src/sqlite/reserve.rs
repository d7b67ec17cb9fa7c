//! Room for the write-ahead log. Making a write durable costs about half where it overwrites blocks that the
//! file has already: the file system then has nothing of its own to write down.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::CHECKPOINT_PAGES;

/// A frame of the log is a page and its header.
const FRAME_BYTES: u64 = 4096 + 24;

/// What the log grows to before it is written from its start again.
const WANTED: u64 = CHECKPOINT_PAGES as u64 * FRAME_BYTES;

/// How much is added at a time. A commit that comes meanwhile waits for no more than this.
const STEP: usize = 256 * 1024;

/// Space is taken only where the file system has this many times as much to give.
const PLENTY: u64 = 16;

/// The log's file, and what is still to be done about it.
#[derive(Debug)]
pub struct Reserve {
    log: PathBuf,
    file: Option<File>,
    done: bool,
}

impl Reserve {
    /// For the log of this database. Nothing is written yet.
    pub fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Self { log: log.into(), file: None, done: false }
    }

    /// No reserve: where the log is not synced, there is nothing to gain.
    pub fn none() -> Self {
        Self { log: PathBuf::new(), file: None, done: true }
    }

    /// Whether there is nothing left to do.
    pub fn is_complete(&self) -> bool {
        self.done
    }

    /// Adds a step of room behind the log's end. Only the thread that writes the log may call this: SQLite
    /// reads the log up to the first frame that is not valid, and zeros never are, but nobody may write
    /// there at the same time.
    pub fn grow(&mut self) {
        match self.add_step() {
            Ok(length) => self.done = length >= WANTED,
            // It is only for speed. Commits say by themselves what is wrong with the disk.
            Err(error) => {
                tracing::debug!(%error, "no room was reserved for the write-ahead log");
                self.done = true;
            }
        }
        if self.done {
            self.file = None;
        }
    }

    fn add_step(&mut self) -> io::Result<u64> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(&self.log)?,
        };
        let length = file.metadata()?.len();
        if length >= WANTED {
            return Ok(length);
        }
        let system = rustix::fs::fstatvfs(&file)?;
        if system.f_bavail * system.f_frsize < PLENTY * WANTED {
            return Err(io::Error::other("the file system is small or nearly full"));
        }
        if let Err(error) = file.write_all_at(&vec![0; STEP], length).and_then(|()| file.sync_data()) {
            // What a full disk has left is for what must be kept.
            file.set_len(length)?;
            return Err(error);
        }
        self.file = Some(file);
        Ok(length + STEP as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn grown(database: &Path) -> u64 {
        let mut reserve = Reserve::of(database);
        while !reserve.is_complete() {
            reserve.grow();
        }
        std::fs::metadata(database.with_extension("db-wal")).unwrap().len()
    }

    #[test]
    fn what_is_committed_before_and_after_is_read_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();

        assert!(grown(&database) >= WANTED);
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();

        // What a crash leaves: the files as they are, with a log that nobody closed.
        let crashed = folder.path().join("b.db");
        std::fs::copy(&database, &crashed).unwrap();
        std::fs::copy(folder.path().join("a.db-wal"), folder.path().join("b.db-wal")).unwrap();
        let sum = |path: &Path| -> i64 {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.query_row("SELECT sum(x) FROM t", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(sum(&crashed), 3);
        assert_eq!(sum(&database), 3);
    }

    #[test]
    fn a_log_that_is_long_enough_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let once = grown(&database);
        assert_eq!(grown(&database), once);
    }
}
