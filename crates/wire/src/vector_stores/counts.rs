//! How far the files of a store or of a batch are.

use serde::{Deserialize, Serialize};

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// It waits to be read, or is being read.
    InProgress,
    /// It is found by searches.
    Completed,
    /// It could not be read.
    Failed,
    /// Its batch was cancelled before its turn came.
    Cancelled,
}

impl FileStatus {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 4] = [Self::InProgress, Self::Completed, Self::Failed, Self::Cancelled];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How many files are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// That wait or are being read.
    pub in_progress: u64,
    /// That are found by searches.
    pub completed: u64,
    /// That could not be read.
    pub failed: u64,
    /// That were given up.
    pub cancelled: u64,
    /// All of them.
    pub total: u64,
}

impl FileCounts {
    /// Adds so many files.
    pub fn add(&mut self, status: FileStatus, files: u64) {
        match status {
            FileStatus::InProgress => self.in_progress += files,
            FileStatus::Completed => self.completed += files,
            FileStatus::Failed => self.failed += files,
            FileStatus::Cancelled => self.cancelled += files,
        }
        self.total += files;
    }
}
