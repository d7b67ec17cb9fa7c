//! Stores that nobody has used for as long as their rule says. For clients they have expired at that moment; one task
//! sleeps until the first of them, and frees what its index takes.

use std::{sync::Arc, time::Duration};

use cupola_store::{Change, Conflict, Listing, StoreError};

use super::{
    VectorStores,
    handle::replace,
    kinds::{self, STORE},
    record::{HAS_EXPIRED, StoreRecord, WILL_EXPIRE, read},
};

/// How long to wait after the resources could not be read.
const TROUBLE: Duration = Duration::from_secs(60);

impl VectorStores {
    /// Remembers when a store may expire.
    pub(super) fn watch_expiry(&self, project: &Arc<str>, record: &StoreRecord) {
        if let Some(end) = record.expires_at() {
            self.expiring().add(end, project, &record.id);
        }
    }

    /// Remembers when the stores of a project may expire.
    pub(super) async fn watch_all_expiries(&self, project: &Arc<str>) -> Result<(), StoreError> {
        let listing = Listing { facet: Some(WILL_EXPIRE), ..Listing::all(project, STORE, "") };
        for found in self.store().list(listing).await?.items {
            self.watch_expiry(project, &read(&found)?);
        }
        Ok(())
    }

    /// Sleeps until the first store may expire, or until there is one that may expire earlier, and ends those whose
    /// time is over.
    pub(super) async fn expire_next(&self) {
        self.expiring().next(self.now()).await;
        while let Some((end, project, store)) = self.expiring().take(self.now()) {
            if let Err(error) = self.expire(&project, &store).await {
                tracing::warn!(%error, store, "a vector store could not be looked at; trying again later");
                self.expiring().add(end, &project, &store);
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }

    /// Ends a store, unless it was used or has another rule meanwhile.
    async fn expire(&self, project: &Arc<str>, id: &str) -> Result<(), StoreError> {
        let key = kinds::store(project, id);
        loop {
            let Some(found) = self.store().get(&key).await? else { return Ok(()) };
            let record: StoreRecord = read(&found)?;
            if !record.has_expired(self.now()) {
                self.watch_expiry(project, &record);
                return Ok(());
            }
            let facet = HAS_EXPIRED.to_owned();
            let refile = Change::Refile { key: key.clone(), facet, weight: 0 };
            // The document stays; the etag tells whether it was used meanwhile.
            match self.store().commit(vec![replace(&key, &found, &record), refile]).await {
                Ok(()) => {
                    tracing::info!(store = id, "a vector store has expired");
                    self.forget_store(project, id);
                    return Ok(());
                }
                Err(StoreError::Conflict(Conflict::Changed(_))) => {}
                Err(StoreError::Conflict(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
