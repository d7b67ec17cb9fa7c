//! What can go wrong with a library.

use crate::{EmbedError, IndexError};

/// Why a library could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The index of the store failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// There are no vectors.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The service is being stopped.
    #[error("the service is being stopped")]
    Stopped,
}

impl LibraryError {
    /// Whether the index has to be made again.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Index(error) if error.is_damage())
    }
}
