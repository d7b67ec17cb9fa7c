//! What can go wrong with a store.

use crate::Conflict;

/// Why a store could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A condition of the batch did not hold; nothing was changed.
    #[error("{0}")]
    Conflict(Conflict),
    /// The id in `after` or `before` is not known.
    #[error("no object with id '{0}' to page from")]
    UnknownCursor(String),
    /// No space is left; nothing was changed.
    #[error("the disk that holds the data directory is full")]
    Full,
    /// The data was written by a newer version.
    #[error(
        "the data was written by a newer version of Cupola (schema {found}, this binary knows {known}): \
         run that version, or use another data directory"
    )]
    SchemaTooNew {
        /// The schema of the data.
        found: i64,
        /// The newest schema that this binary knows.
        known: i64,
    },
    /// The store has stopped.
    #[error("the store has stopped")]
    Stopped,
    /// The backend failed.
    #[error("{0}")]
    Backend(String),
}

/// The codes of these errors; `cupola explain` has a page for each.
pub const CODES: &[&str] = &["storage_full", "storage_failed", "schema_too_new"];

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Backend(error.to_string()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Backend(error.to_string()),
        }
    }
}
