//! Index and resources are brought together where they differ: after a crash, a lost index, another embedding model.

use std::{collections::HashSet, sync::Arc};

use cupola_retrieval::LibraryError;
use cupola_store::{Change, Conflict, Listing, Resource, StoreError};
use cupola_wire::vector_stores::FileStatus;

use super::queue::Place;
use crate::vector_stores::{
    VectorStores,
    handle::replace,
    kinds::{self, FILE_IN_STORE, STORE},
    record::{FileRecord, read},
};

impl VectorStores {
    /// Puts the files of a project that are in progress into the queue, and its stores behind them.
    pub(super) async fn take_up(&self, project: &Arc<str>) -> Result<(), StoreError> {
        let stores = self.store().list(Listing::all(project, STORE, "")).await?.items;
        for store in stores {
            let files = self.files_that_are(project, &store.id, FileStatus::InProgress).await?;
            let files = files.iter().map(read).collect::<Result<Vec<FileRecord>, _>>()?;
            self.begin(project, &files);
            self.doubt(project, &store.id);
        }
        Ok(())
    }

    /// Whether files of a store are still to be read.
    pub(super) async fn is_in_progress(&self, project: &Arc<str>, store: &str) -> Result<bool, StoreError> {
        let tallies = self.store().tally(project, FILE_IN_STORE, store).await?;
        Ok(tallies.iter().any(|tally| tally.facet == FileStatus::InProgress.as_str()))
    }

    async fn files_that_are(
        &self,
        project: &Arc<str>,
        store: &str,
        status: FileStatus,
    ) -> Result<Vec<Resource>, StoreError> {
        let listing = Listing { facet: Some(status.as_str()), ..Listing::all(project, FILE_IN_STORE, store) };
        Ok(self.store().list(listing).await?.items)
    }

    /// Discards what is left of stores that are gone.
    pub(super) async fn discard_others(&self, projects: &[Arc<str>]) {
        let found = match self.library().stores() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the folder of the indexes could not be read");
                return;
            }
        };
        for store in found {
            if self.is_there(projects, &store).await {
                continue;
            }
            if let Err(error) = self.library().discard(&store).await {
                tracing::warn!(%error, store, "the index of a store that is gone could not be removed");
            }
        }
    }

    /// Whether a store is in one of the projects, as far as anybody knows.
    async fn is_there(&self, projects: &[Arc<str>], store: &str) -> bool {
        for project in projects {
            if !matches!(self.store().get(&kinds::store(project, store)).await, Ok(None)) {
                return true;
            }
        }
        false
    }

    /// Looks through the index of a store, and makes it what the resources say.
    pub(super) async fn mend(&self, place: &Place) {
        if let Err(error) = self.try_to_mend(place).await {
            tracing::error!(%error, store = %place.store, "the index of a vector store could not be looked through");
        }
    }

    async fn try_to_mend(&self, place: &Place) -> Result<(), LibraryError> {
        if !self.is_in_use(place).await.map_err(|_| LibraryError::Stopped)? {
            return self.library().discard(&place.store).await;
        }
        // What is completed was in the index before, so the index is asked second.
        let completed = self.files_that_are(&place.project, &place.store, FileStatus::Completed).await;
        let completed = completed.map_err(|_| LibraryError::Stopped)?;
        let indexed = match self.library().files(&place.store).await {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, store = %place.store, "the index is made again from its files");
                return self.make_again(place).await.map_err(|_| LibraryError::Stopped);
            }
            indexed => indexed?,
        };
        let indexed: HashSet<String> = indexed.into_iter().map(|file| file.file_id).collect();
        for file in &completed {
            if !indexed.contains(kinds::part(&file.id)) {
                self.read_again(place, file).await.map_err(|_| LibraryError::Stopped)?;
            }
        }
        let completed: HashSet<&str> = completed.iter().map(|file| kinds::part(&file.id)).collect();
        for file in indexed.iter().filter(|file| !completed.contains(file.as_str())) {
            self.forget_file(&place.project, &place.store, file);
        }
        self.embed_again(place).await
    }

    /// Makes an index again that is damaged: all files of the store are read again.
    pub(super) async fn make_again(&self, place: &Place) -> Result<(), StoreError> {
        if let Err(error) = self.library().discard(&place.store).await {
            return Err(StoreError::Backend(error.to_string()));
        }
        for file in self.files_that_are(&place.project, &place.store, FileStatus::Completed).await? {
            self.read_again(place, &file).await?;
        }
        let waiting = self.files_that_are(&place.project, &place.store, FileStatus::InProgress).await?;
        let waiting = waiting.iter().map(read).collect::<Result<Vec<FileRecord>, _>>()?;
        self.begin(&place.project, &waiting);
        Ok(())
    }

    /// A file that was completed is in progress again.
    async fn read_again(&self, place: &Place, found: &Resource) -> Result<(), StoreError> {
        let mut record: FileRecord = read(found)?;
        record.status = FileStatus::InProgress;
        let key = kinds::file(&place.project, &place.store, &record.id);
        let facet = record.status.as_str().to_owned();
        let changes = vec![replace(&key, found, &record), Change::Refile { key, facet, weight: 0 }];
        match self.store().commit(changes).await {
            Ok(()) => {
                self.begin(&place.project, &[record]);
                Ok(())
            }
            // Somebody else has changed it, and knows what to do.
            Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
