//! Passages of files that have left their store, and indexes of stores that are gone.

use std::sync::Arc;

use cupola_retrieval::LibraryError;
use cupola_store::StoreError;
use cupola_wire::vector_stores::FileStatus;
use tokio::runtime::Handle;

use super::queue::Place;
use crate::vector_stores::{
    VectorStores, kinds,
    record::{StoreRecord, read},
};

impl VectorStores {
    /// Removes the passages of files that have left. What fails is done at the next start: nobody finds them anyway.
    pub(super) async fn clear(&self, place: Place, files: Vec<String>) {
        let cleared = match self.is_in_use(&place).await {
            Ok(true) => self.remove_passages(&place, files).await,
            Ok(false) => self.library().discard(&place.store).await,
            Err(error) => {
                tracing::warn!(%error, store = %place.store, "a vector store could not be looked at");
                return;
            }
        };
        if let Err(error) = cleared {
            tracing::warn!(%error, store = %place.store, "passages that nobody needs could not be removed");
        }
    }

    /// Whether a store is there and has not expired.
    pub(super) async fn is_in_use(&self, place: &Place) -> Result<bool, StoreError> {
        let found = self.store().get(&kinds::store(&place.project, &place.store)).await?;
        let Some(found) = found else { return Ok(false) };
        Ok(!read::<StoreRecord>(&found)?.has_expired(self.now()))
    }

    async fn remove_passages(&self, place: &Place, files: Vec<String>) -> Result<(), LibraryError> {
        let (resources, runtime) = (Arc::clone(self.store()), Handle::current());
        let at = place.clone();
        // It may have come back meanwhile. Whoever reads it then writes its passages after this.
        let is_gone = move |file: &str| {
            let key = kinds::file(&at.project, &at.store, file);
            let found = runtime.block_on(resources.get(&key));
            found.is_ok_and(|found| found.is_none_or(|found| !may_have_passages(&found.facet)))
        };
        self.library().remove(&place.store, files, is_gone).await
    }
}

/// Whether a file that is so far has passages, or is about to.
fn may_have_passages(facet: &str) -> bool {
    [FileStatus::InProgress, FileStatus::Completed].iter().any(|status| status.as_str() == facet)
}
