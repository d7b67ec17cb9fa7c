//! What can go wrong with an index.

use std::io;
use std::path::{Path, PathBuf};

use super::Embedding;

/// Why an operation on an index failed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// What is on disk isn't what was committed. Only making the index again helps.
    #[error("the index in {} is damaged: {what}; delete that directory and index the files again", dir.display())]
    Damaged {
        /// The directory of the index.
        dir: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Vectors of two embedding models can't be compared.
    #[error(
        "the vectors in the index are of {recorded}, these are of {given}; forget the old ones and embed again"
    )]
    OtherEmbedding {
        /// What the vectors in the index are of.
        recorded: Embedding,
        /// What was given.
        given: Embedding,
    },
    /// The vectors don't fit the chunks, or each other.
    #[error("the vectors can't be used: {0}")]
    Vectors(String),
    /// A file that isn't in the index.
    #[error("the file '{0}' isn't in the index")]
    UnknownFile(String),
    /// There is another writer.
    #[error("the index in {} is being written already; end the other writer first", .0.display())]
    Busy(PathBuf),
    /// A write failed before; what this writer holds can't be trusted.
    #[error("an earlier write to the index failed; drop this writer and begin again from the last commit")]
    Failed,
    /// The file system refused.
    #[error("couldn't {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, a verb.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index of words refused.
    #[error("the index of words in {}: {source}", dir.display())]
    Words {
        /// The directory of the index of words.
        dir: PathBuf,
        /// What it said.
        source: tantivy::TantivyError,
    },
}

impl IndexError {
    /// Says that what is in `dir` isn't what was committed.
    pub(super) fn damaged(dir: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { dir: dir.to_owned(), what: what.into() }
    }

    /// Names what was tried on which file, for `map_err`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// Whether the index has to be made again.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}
