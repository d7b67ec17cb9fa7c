//! Reading the files of a group: bytes become a document, a document becomes chunks.

use std::sync::Arc;

use cupola_retrieval::{Chunk, Chunking, TokenCounter, Unreadable};
use cupola_store::{Resource, StoreError};
use cupola_wire::vector_stores::{FileError, FileErrorCode, FileStatus, StaticChunking};
use futures_util::{StreamExt as _, stream};
use tokio::task::spawn_blocking;

use super::queue::{Group, Place};
use crate::vector_stores::{
    VectorStores, kinds,
    record::{FileRecord, StoreRecord, read},
    settle::Outcome,
};

/// Files of a group that are read at the same time.
const AT_ONCE: usize = 4;

/// A file that was read.
#[derive(Debug)]
pub struct Read {
    /// Which.
    pub id: String,
    /// How it was cut.
    pub chunking: StaticChunking,
    /// What became of it.
    pub outcome: Result<Vec<Chunk>, Outcome>,
}

impl VectorStores {
    /// Reads a group of files, and says what became of each.
    pub(super) async fn read_group(&self, group: Group) {
        match self.try_to_read(&group).await {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, store = %group.place.store, "files could not be taken in; trying again later");
                self.again(group).await;
            }
        }
    }

    async fn try_to_read(&self, group: &Group) -> Result<(), StoreError> {
        let place = &group.place;
        let Some(store) = self.store().get(&kinds::store(&place.project, &place.store)).await? else {
            return Ok(());
        };
        let has_expired = read::<StoreRecord>(&store)?.has_expired(self.now());
        let files = stream::iter(group.files.clone());
        let files = files.map(|file| self.read_file(place.clone(), file, has_expired));
        let read: Vec<Result<Option<Read>, StoreError>> = files.buffered(AT_ONCE).collect().await;
        let read = read.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        self.take_in(place, read).await
    }

    /// Reads one file, unless it is no longer in progress.
    async fn read_file(
        &self,
        place: Place,
        file: String,
        has_expired: bool,
    ) -> Result<Option<Read>, StoreError> {
        let found = self.store().get(&kinds::file(&place.project, &place.store, &file)).await?;
        let Some(record) = found.as_ref().map(read::<FileRecord>).transpose()? else { return Ok(None) };
        if record.status != FileStatus::InProgress {
            return Ok(None);
        }
        let chunking = record.chunking;
        let outcome = if has_expired { Err(Outcome::Cancelled) } else { self.chunks(&record).await? };
        Ok(Some(Read { id: record.id, chunking, outcome }))
    }

    async fn chunks(&self, record: &FileRecord) -> Result<Result<Vec<Chunk>, Outcome>, StoreError> {
        let Some(file) = self.blobs().file(&record.id).await? else {
            // Its resource goes first: it is about to leave the store.
            return Ok(Err(failed(FileErrorCode::ServerError, "The bytes of the file are gone.".to_owned())));
        };
        let document = match self.reader().read(&record.filename, file).await {
            Ok(document) => document,
            Err(unreadable) => return Ok(Err(unreadable_file(&unreadable))),
        };
        let (counter, chunking) = (Arc::clone(self.counter()), chunking(record.chunking));
        let cut = spawn_blocking(move || chunking.cut(&document, counter.get_or_init(new_counter)));
        Ok(match cut.await {
            Ok(Ok(chunks)) if chunks.is_empty() => {
                Err(failed(FileErrorCode::InvalidFile, "The file has no text.".to_owned()))
            }
            Ok(Ok(chunks)) => Ok(chunks),
            Ok(Err(unreadable)) => Err(unreadable_file(&unreadable)),
            Err(_) => {
                let sentence = "The text of the file could not be cut into passages.".to_owned();
                Err(failed(FileErrorCode::ServerError, sentence))
            }
        })
    }
}

/// Counts tokens as the newest models do. It loads a vocabulary, so it is made when it is needed.
fn new_counter() -> TokenCounter {
    TokenCounter::of_model("")
}

fn chunking(size: StaticChunking) -> Chunking {
    let tokens = |number: i64| u32::try_from(number).unwrap_or_default();
    Chunking {
        max_chunk_size_tokens: tokens(size.max_chunk_size_tokens),
        chunk_overlap_tokens: tokens(size.chunk_overlap_tokens),
    }
}

fn unreadable_file(unreadable: &Unreadable) -> Outcome {
    let code = match unreadable {
        Unreadable::Unsupported(_) => FileErrorCode::UnsupportedFile,
        Unreadable::Invalid(_) => FileErrorCode::InvalidFile,
        Unreadable::Failed(_) => FileErrorCode::ServerError,
    };
    failed(code, unreadable.to_string())
}

/// A file that could not be read.
pub fn failed(code: FileErrorCode, message: String) -> Outcome {
    Outcome::Failed(FileError { code, message })
}

/// Whether a file is still what it was when it was read.
pub fn is_as_read(found: &Resource, read_as: StaticChunking) -> Result<bool, StoreError> {
    let record: FileRecord = read(found)?;
    Ok(record.status == FileStatus::InProgress && record.chunking == read_as)
}
