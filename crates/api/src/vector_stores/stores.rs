//! What the operations, the tool `file_search` and the ingestion work with.

use std::{path::PathBuf, sync::Arc};

use cupola_engine::Clock;
use cupola_store::{Blobs, SharedStore};

use super::{SearchFault, kinds, record};

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
}

impl VectorStores {
    /// Vector stores made of these parts.
    pub fn new(parts: VectorStoresParts) -> Self {
        Self { parts, clock: Clock::default() }
    }

    /// A store that may be searched.
    pub(super) async fn searchable(
        &self,
        project: &Arc<str>,
        id: &str,
    ) -> Result<record::StoreRecord, SearchFault> {
        let found = self.parts.store.get(&kinds::store(project, id)).await?;
        let found = found.ok_or_else(|| SearchFault::Missing(id.to_owned()))?;
        let store: record::StoreRecord = record::read(&found)?;
        if store.has_expired(self.clock.seconds()) {
            return Err(SearchFault::Expired(id.to_owned()));
        }
        Ok(store)
    }
}
