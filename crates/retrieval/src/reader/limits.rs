//! How much of a document is too much.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Unreadable;

/// What reading one document may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes of the text in it.
    pub text: u64,
    /// Bytes of the parts of an archive that are read, when they are expanded.
    pub expanded: u64,
    /// How many times larger than packed a part of an archive may become.
    pub ratio: u64,
    /// Parts of an archive.
    pub entries: usize,
    /// Elements within each other.
    pub depth: usize,
    /// Bytes of memory of the process that reads it.
    pub memory: u64,
    /// Time from the start to the end.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 512 << 20,
            text: 32 << 20,
            expanded: 512 << 20,
            ratio: 500,
            entries: 20_000,
            depth: 1_000,
            memory: 2 << 30,
            time: Duration::from_secs(120),
        }
    }
}

impl Limits {
    /// Says that the file is too large, if it is.
    pub(super) fn check_file(&self, bytes: u64) -> Result<(), Unreadable> {
        at_most(bytes, self.file, "The file has more than")
    }

    /// Says that there is too much text, if there is.
    pub(super) fn check_text(&self, bytes: usize) -> Result<(), Unreadable> {
        at_most(bytes as u64, self.text, "The text of the file has more than")
    }
}

fn at_most(bytes: u64, most: u64, words: &str) -> Result<(), Unreadable> {
    if bytes > most { Err(Unreadable::Invalid(format!("{words} {}.", size(most)))) } else { Ok(()) }
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MB", bytes >> 20) } else { format!("{bytes} bytes") }
}
