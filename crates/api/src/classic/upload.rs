//! Files that come in forms: streamed to the disk, with limits.

use std::{io, sync::Arc};

use axum::extract::multipart::Field;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc;

use crate::{ApiError, Service, body::PATIENCE};

/// Pieces of a file that may be on their way to the disk.
const PIECES: usize = 16;

/// A file's name as people know it. Some clients send `my%20report.pdf` and mean the space.
pub fn readable_name(name: &str) -> String {
    let is_escaped = name.is_ascii() && !name.contains(' ') && name.contains('%');
    let decoded = percent_decode_str(name).decode_utf8().ok().filter(|_| is_escaped);
    decoded.map_or_else(|| name.to_owned(), |decoded| decoded.into_owned())
}

/// 400: the form can't be read.
pub fn broken(error: axum::extract::multipart::MultipartError) -> ApiError {
    ApiError::invalid(format!("The multipart body can't be read: {}.", error.body_text()))
        .code("invalid_value")
}

/// A field that is a short text.
pub async fn short_text(mut field: Field<'_>, param: &str) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        text.extend_from_slice(&piece);
        if text.len() > 4096 {
            return Err(ApiError::invalid(format!("Invalid '{param}': string too long."))
                .code("string_above_max_length")
                .param(param));
        }
    }
    String::from_utf8(text).map_err(|_| {
        ApiError::invalid(format!("Invalid '{param}': not UTF-8 text.")).code("invalid_value").param(param)
    })
}

/// Streams a part to the disk as it comes in; no file is ever whole in memory.
pub async fn keep(service: &Service, mut field: Field<'_>, id: &str) -> Result<u64, ApiError> {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let blobs = Arc::clone(service.blobs());
    let blob = id.to_owned();
    let writing = tokio::spawn(async move { blobs.put(&blob, Box::pin(until_end(receiver))).await });
    let fed = feed(&mut field, &pieces, service.limits().max_upload_bytes).await;
    if fed.is_ok() {
        let _ = pieces.send(Piece::End).await;
    }
    drop(pieces);
    let written = writing.await.map_err(|error| ApiError::internal("keeping an uploaded file", error))?;
    fed?;
    Ok(written?)
}

/// What the reader of a form hands to the writer of a file.
enum Piece {
    More(Bytes),
    End,
}

/// The pieces as a stream that fails unless it is told its end: a client that goes away in the middle of
/// an upload also takes the reader away, and half a file must not pass for a whole one.
fn until_end(receiver: mpsc::Receiver<Piece>) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    futures_util::stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::More(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the upload was broken off")), None)),
        }
    })
}

async fn feed(field: &mut Field<'_>, pieces: &mpsc::Sender<Piece>, limit: u64) -> Result<(), ApiError> {
    let mut size = 0;
    loop {
        let piece = tokio::time::timeout(PATIENCE, field.chunk()).await;
        let piece =
            piece.map_err(|_| ApiError::timeout("The rest of the file did not arrive within 60 seconds."))?;
        let Some(piece) = piece.map_err(broken)? else { return Ok(()) };
        size += piece.len() as u64;
        if size > limit {
            return Err(ApiError::too_large(
                "file_too_large",
                format!("The file is larger than the {limit} bytes that this service accepts (limits.max_upload_bytes)."),
            )
            .param("file"));
        }
        if pieces.send(Piece::More(piece)).await.is_err() {
            // The writer has given up; its own error says why.
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_name_is_read_and_any_other_name_is_kept() {
        assert_eq!(readable_name("my%20report%20%E5%B9%B4.pdf"), "my report 年.pdf");
        for name in ["plain.txt", "100 %.txt", "Übersicht.txt", "50%ff.bin"] {
            assert_eq!(readable_name(name), name);
        }
    }
}
