//! Taking files out of stores, giving batches up, deleting stores. Nothing that is taken out is found again: searches
//! ask the resources, and the passages are removed by and by.

use std::sync::Arc;

use cupola_store::{Batch, Change, Conflict, Key, Listing, Resource, StoreError};
use cupola_wire::vector_stores::FileStatus;

use super::{
    VectorStores,
    kinds::{self, FILE_IN_BATCH, FILE_IN_STORE, USE},
    record::{BatchRecord, FileRecord, read},
    settle::Outcome,
};

/// Changes that nobody waits for go in commits of so many.
const SOME: usize = 500;

impl VectorStores {
    /// Takes a file out of a store; a conflict if it is not in there.
    pub(super) async fn remove(&self, project: &Arc<str>, store: &str, file: &str) -> Result<(), StoreError> {
        let key = kinds::file(project, store, file);
        loop {
            let found = self.store().get(&key).await?;
            let found = found.ok_or_else(|| StoreError::Conflict(Conflict::Missing(key.clone())))?;
            let mut changes = self.removal(project, &found).await?;
            let usage = kinds::usage(project, store, file);
            if self.store().get(&usage).await?.is_some() {
                changes.push(Change::Delete { key: usage });
            }
            match self.store().commit(changes).await {
                Ok(()) => {
                    self.forget_file(project, store, file);
                    self.tell_settled();
                    return self.touch(project, store).await;
                }
                // It came to its end meanwhile, or somebody else was faster.
                Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The changes that take a file out of a store. Batches that wait for it give it up.
    async fn removal(&self, project: &Arc<str>, found: &Resource) -> Result<Batch, StoreError> {
        let record: FileRecord = read(found)?;
        let mut changes = vec![Change::Delete { key: Key::new(project, FILE_IN_STORE, &found.id) }];
        for batch in &record.batches {
            changes.extend(self.settle_in_batch(project, batch, &record.id, &Outcome::Cancelled).await?);
        }
        Ok(changes)
    }

    /// Deletes an uploaded file, out of all stores that it is in; a conflict if there is no such file.
    pub async fn delete_file(&self, project: &Arc<str>, key: &Key) -> Result<(), StoreError> {
        loop {
            if self.store().get(key).await?.is_none() {
                return Err(StoreError::Conflict(Conflict::Missing(key.clone())));
            }
            let uses = self.store().list(Listing::all(project, USE, &key.id)).await?.items;
            // A store that takes the file in at this moment is not overlooked.
            let all_uses = Key::new(project, USE, &key.id);
            let mut changes = vec![Change::RequireFewer { parent: all_uses, limit: uses.len() + 1 }];
            let mut stores = Vec::new();
            for usage in &uses {
                let store = kinds::part(&usage.id);
                if let Some(found) = self.store().get(&kinds::file(project, store, &key.id)).await? {
                    changes.extend(self.removal(project, &found).await?);
                    stores.push(store.to_owned());
                }
            }
            changes.push(Change::Delete { key: key.clone() });
            match self.store().commit(changes).await {
                Ok(()) => {
                    stores.iter().for_each(|store| self.forget_file(project, store, &key.id));
                    self.tell_settled();
                    return Ok(());
                }
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The changes that give up all files that a batch still waits for.
    pub(super) async fn cancellation(
        &self,
        project: &Arc<str>,
        batch: &BatchRecord,
    ) -> Result<Batch, StoreError> {
        let waiting = Listing {
            facet: Some(FileStatus::InProgress.as_str()),
            ..Listing::all(project, FILE_IN_BATCH, &batch.id)
        };
        let mut changes = Batch::new();
        for waiting in self.store().list(waiting).await?.items {
            let file = kinds::part(&waiting.id);
            let found = self.store().get(&kinds::file(project, &batch.vector_store_id, file)).await?;
            let is_waited_for = |found: &Resource| found.facet == FileStatus::InProgress.as_str();
            changes.extend(match found.filter(is_waited_for) {
                Some(found) => self.settle(project, &found, &Outcome::Cancelled).await?,
                None => self.settle_in_batch(project, &batch.id, file, &Outcome::Cancelled).await?,
            });
        }
        Ok(changes)
    }

    /// Deletes a store; a conflict if there is none.
    pub(super) async fn delete(&self, project: &Arc<str>, store: &str) -> Result<(), StoreError> {
        let files = self.store().list(Listing::all(project, FILE_IN_STORE, store)).await?.items;
        self.store().commit(vec![Change::Delete { key: kinds::store(project, store) }]).await?;
        self.forget_store(project, store);
        self.tell_settled();
        let uses = files.iter().map(|file| kinds::usage(project, store, kinds::part(&file.id)));
        let uses: Batch = uses.map(|key| Change::Delete { key }).collect();
        // What is left of a store that is gone says nothing to anybody, so nobody waits for its end.
        uses.chunks(SOME).for_each(|some| drop(self.store().submit(some.to_vec())));
        Ok(())
    }
}
