//! A file on its way in: written beside the home while it comes, so that nobody sees half of it.

use std::{io, path::Path};

use axum::body::Body;
use cupola_store::StoreError;
use futures_util::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::{ApiError, body::PATIENCE};

/// The largest file.
pub const MOST_BYTES: u64 = 50 * 1024 * 1024;

/// Receives a file into a folder, and says how long it is.
pub async fn receive(body: Body, folder: &Path) -> Result<(NamedTempFile, u64), ApiError> {
    let received = NamedTempFile::with_prefix_in("incoming-", folder).map_err(kept)?;
    let handle = received.as_file().try_clone().map_err(kept)?;
    let mut file = tokio::fs::File::from_std(handle);
    let (mut pieces, mut size) = (body.into_data_stream(), 0);
    while let Some(piece) = next(&mut pieces).await? {
        size += piece.len() as u64;
        if size > MOST_BYTES {
            let message =
                format!("The file is larger than {} MiB, the most for session files.", MOST_BYTES >> 20);
            return Err(ApiError::too_large("file_too_large", message));
        }
        file.write_all(&piece).await.map_err(kept)?;
    }
    file.flush().await.map_err(kept)?;
    Ok((received, size))
}

async fn next(pieces: &mut axum::body::BodyDataStream) -> Result<Option<bytes::Bytes>, ApiError> {
    match tokio::time::timeout(PATIENCE, pieces.next()).await {
        Ok(piece) => piece.transpose().map_err(|error| {
            ApiError::invalid(format!("The body could not be read: {error}.")).code("invalid_value")
        }),
        Err(_) => Err(ApiError::timeout("No further piece of the file came within 60 seconds.")),
    }
}

fn kept(error: io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full.into(),
        _ => ApiError::internal("keeping a file of a session", error),
    }
}
