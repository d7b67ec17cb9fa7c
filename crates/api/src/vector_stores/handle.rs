//! What the operations, the tool `file_search` and the ingestion work with.

use std::sync::{Arc, OnceLock};

use cupola_engine::Clock;
use cupola_retrieval::{Library, Reader, TokenCounter};
use cupola_store::{Blobs, Change, Key, Resource, SharedStore, StoreError};
use cupola_wire::vector_stores::{VectorStore, VectorStoreFileBatch};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{
    ingestion::{Patience, Waiting},
    kinds::{self, FILE_IN_BATCH, FILE_IN_STORE},
    record::{BatchRecord, StoreRecord, read},
};
use crate::{body::document, expiring::Expiring};

/// A store's last use is written down anew when it is so many seconds old.
const ACTIVE: i64 = 60;

/// What vector stores are made of.
pub struct VectorStoresParts {
    /// Where resources are.
    pub store: SharedStore,
    /// Where the bytes of files are.
    pub blobs: Arc<dyn Blobs>,
    /// Where the indexes are.
    pub library: Library,
    /// Reads files.
    pub reader: Reader,
    /// How long a provider of embeddings is waited for.
    pub patience: Patience,
}

/// The vector stores of all projects.
pub struct VectorStores {
    parts: VectorStoresParts,
    clock: Clock,
    waiting: Waiting,
    expiring: Expiring,
    counter: Arc<OnceLock<TokenCounter>>,
    closing: watch::Sender<bool>,
    tasks: TaskTracker,
}

impl VectorStores {
    /// Vector stores made of these parts. Nothing is read before they are started.
    pub fn new(parts: VectorStoresParts) -> Self {
        Self {
            parts,
            clock: Clock::default(),
            waiting: Waiting::default(),
            expiring: Expiring::default(),
            counter: Arc::default(),
            closing: watch::Sender::new(false),
            tasks: TaskTracker::new(),
        }
    }

    /// Where resources are.
    pub(super) fn store(&self) -> &SharedStore {
        &self.parts.store
    }

    /// Where the bytes of files are.
    pub(super) fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.parts.blobs
    }

    /// Where the indexes are.
    pub(super) fn library(&self) -> &Library {
        &self.parts.library
    }

    /// Reads files.
    pub(super) fn reader(&self) -> &Reader {
        &self.parts.reader
    }

    /// How long a provider of embeddings is waited for.
    pub(super) fn patience(&self) -> Patience {
        self.parts.patience
    }

    /// Counts tokens.
    pub(super) fn counter(&self) -> &Arc<OnceLock<TokenCounter>> {
        &self.counter
    }

    /// Tells when the work has to end.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends the work.
    pub(super) fn stop(&self) {
        self.closing.send_replace(true);
    }

    /// The tasks that work.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// What there is to do.
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
