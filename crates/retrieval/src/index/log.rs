//! A file that only grows, of which a known length is committed.
//!
//! What stands behind the committed length is what a crash left over; the next writer overwrites it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::IndexError;

/// A file for reading at any place, by many at once.
#[derive(Clone, Debug)]
pub(super) struct Log {
    file: Arc<File>,
    path: PathBuf,
}

impl Log {
    /// Opens a log of which `length` bytes are committed.
    pub(super) fn open(path: PathBuf, length: u64) -> Result<Self, IndexError> {
        let dir = path.parent().unwrap_or(&path);
        let name = path.file_name().unwrap_or_default().display();
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(IndexError::damaged(dir, format!("{name} is missing")));
            }
            Err(error) => return Err(IndexError::io("open", &path)(error)),
        };
        let found = file.metadata().map_err(IndexError::io("read", &path))?.len();
        if found < length {
            return Err(IndexError::damaged(dir, format!("{name} has {found} bytes instead of {length}")));
        }
        Ok(Self { file: Arc::new(file), path })
    }

    /// Makes an empty log. One of this name that was never committed is emptied.
    pub(super) fn create(path: PathBuf) -> Result<Self, IndexError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).map_err(IndexError::io("create", &path))?;
        Ok(Self { file: Arc::new(file), path })
    }

    /// Reads `length` bytes from `offset`.
    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, IndexError> {
        let mut bytes = vec![0; length];
        self.read_into(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` from `offset`.
    pub(super) fn read_into(&self, offset: u64, bytes: &mut [u8]) -> Result<(), IndexError> {
        self.file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged("is shorter than it was"),
            _ => IndexError::io("read", &self.path)(error),
        })
    }

    /// Says what couldn't be done with this file.
    pub(super) fn failed(&self, doing: &'static str, error: std::io::Error) -> IndexError {
        IndexError::io(doing, &self.path)(error)
    }

    /// Says that what is in this file can't be right.
    pub(super) fn damaged(&self, what: &str) -> IndexError {
        let name = self.path.file_name().unwrap_or_default().display();
        IndexError::damaged(self.path.parent().unwrap_or(&self.path), format!("{name} {what}"))
    }
}

/// The one who makes a log longer.
#[derive(Debug)]
pub(super) struct Appender {
    log: Log,
    length: u64,
    is_synced: bool,
}

impl Appender {
    /// Goes on behind the committed length.
    pub(super) fn new(log: Log, length: u64) -> Self {
        Self { log, length, is_synced: true }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Appends, and gives where that begins.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, IndexError> {
        let offset = self.length;
        self.log.file.write_all_at(bytes, offset).map_err(IndexError::io("write", &self.log.path))?;
        self.length += bytes.len() as u64;
        self.is_synced = false;
        Ok(offset)
    }

    /// Waits until what was appended would outlive a loss of power.
    pub(super) fn sync(&mut self) -> Result<(), IndexError> {
        if !self.is_synced {
            self.log.file.sync_data().map_err(IndexError::io("sync", &self.log.path))?;
            self.is_synced = true;
        }
        Ok(())
    }
}

/// Makes new names in a directory outlive a loss of power.
pub(super) fn sync_dir(dir: &Path) -> Result<(), IndexError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(IndexError::io("sync", dir))
}
