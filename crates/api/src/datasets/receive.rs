//! Streams a body to the store as it comes in; no blob is ever whole in memory.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use axum::body::Body;
use cupola_engine::ids;
use futures_util::StreamExt as _;

use super::storage::Part;
use crate::{ApiError, Service, body::PATIENCE};

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const BROKEN: u8 = 3;

/// Keeps all bytes of a body as a part.
pub async fn part(service: &Service, body: Body, block: Option<String>) -> Result<Part, ApiError> {
    let limit = service.limits().max_upload_bytes;
    let trouble = Arc::new(AtomicU8::new(0));
    let noted = Arc::clone(&trouble);
    let state = Some((body.into_data_stream(), 0));
    let bytes = futures_util::stream::unfold(state, move |state| {
        let noted = Arc::clone(&noted);
        async move {
            let (mut stream, seen) = state?;
            let fail = |what| {
                noted.store(what, Ordering::Relaxed);
                Some((Err(io::Error::other("the upload was broken off")), None))
            };
            match tokio::time::timeout(PATIENCE, stream.next()).await {
                Err(_) => fail(TOO_SLOW),
                Ok(None) => None,
                Ok(Some(Err(_))) => fail(BROKEN),
                Ok(Some(Ok(piece))) => {
                    let seen = seen + piece.len() as u64;
                    if seen > limit { fail(TOO_LARGE) } else { Some((Ok(piece), Some((stream, seen)))) }
                }
            }
        }
    });
    let id = ids::new("blob_");
    match service.blobs().put(&id, Box::pin(bytes)).await {
        Ok(len) => Ok(Part { id, len, block }),
        Err(error) => Err(match trouble.load(Ordering::Relaxed) {
            TOO_LARGE => ApiError::too_large(
                "file_too_large",
                format!(
                    "The file is larger than the {limit} bytes that this service accepts \
                     (limits.max_upload_bytes)."
                ),
            ),
            TOO_SLOW => ApiError::timeout("The rest of the file did not arrive within 60 seconds."),
            BROKEN => ApiError::invalid("The upload was broken off.").code("invalid_value"),
            _ => error.into(),
        }),
    }
}
