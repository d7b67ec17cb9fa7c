//! What stood in the way of touching a file, in words for a client.

use std::io::{Error, ErrorKind};

use cupola_store::StoreError;

use super::path::HomePath;
use crate::ApiError;

/// The error of a client, or of the service, that an error of the disk means.
pub fn blocked(error: Error, path: &HomePath) -> ApiError {
    let invalid = |reason: &str| {
        ApiError::invalid(format!("'{path}' can't be used: {reason}.")).code("invalid_value").param("path")
    };
    match error.kind() {
        ErrorKind::NotFound => ApiError::missing("File", &path.to_string()),
        // The kernel has a number for what it refuses; a path that leaves the home has none.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            invalid("a link on its way leads out of the session's home")
        }
        ErrorKind::PermissionDenied => ApiError::forbidden(
            "file_not_accessible",
            format!("'{path}' can't be used: the program in the sandbox keeps everybody else out of it."),
        )
        .kind("invalid_request_error"),
        ErrorKind::DirectoryNotEmpty => ApiError::conflict(format!(
            "The folder '{path}' is not empty. Delete what is in it, or send 'recursive=true'."
        )),
        ErrorKind::AlreadyExists => ApiError::conflict(format!("'{path}' exists and is not a folder.")),
        ErrorKind::IsADirectory => invalid("it is a folder"),
        ErrorKind::NotADirectory => invalid("a part of it is a file, not a folder"),
        ErrorKind::InvalidFilename => invalid("a name in it is too long"),
        ErrorKind::InvalidInput => invalid("it is neither a file nor a folder"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full.into(),
        _ => match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::LOOP) => invalid("its links lead in a circle"),
            Some(rustix::io::Errno::NXIO) => invalid("it is neither a file nor a folder"),
            _ => ApiError::internal("using a file of a session", error),
        },
    }
}
