//! Vector stores: collections of files that can be searched by what they say.

mod batches;
mod files;
mod settled;

use std::sync::Arc;

use cupola_wire::{
    classic::{Deleted, ListQuery, Page},
    vector_stores::{CreateVectorStore, SearchPage, SearchVectorStore, UpdateVectorStore, VectorStore},
};

use self::settled::until_settled;
pub use self::{
    batches::FileBatches,
    files::{StoreFileQuery, StoreFiles},
};
use crate::{
    ItemStream, Patience, Result,
    list::List,
    service::{Query, Service},
};

/// Vector stores.
#[derive(Clone, Debug)]
pub struct VectorStores {
    service: Arc<Service>,
    patience: Patience,
}

impl VectorStores {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service, patience: Patience::default() }
    }

    /// The same stores, whose files are waited for as `patience` says.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Creates a store. Files that the body names are read in the background.
    pub async fn create(&self, store: &CreateVectorStore) -> Result<VectorStore> {
        self.service.post(&["vector_stores"], store).await
    }

    /// Creates a store and waits until the files that the body names are read, well or not: see its
    /// `file_counts`.
    pub async fn create_and_poll(&self, store: &CreateVectorStore) -> Result<VectorStore> {
        let store = self.create(store).await?;
        self.poll(&store.id).await
    }

    /// Waits until no file of the store is in progress.
    pub async fn poll(&self, store_id: &str) -> Result<VectorStore> {
        until_settled(&self.service, &["vector_stores", store_id], self.patience, |_| {}).await
    }

    /// One store.
    pub async fn get(&self, store_id: &str) -> Result<VectorStore> {
        self.service.get(&["vector_stores", store_id], Query::new()).await
    }

    /// The stores that the query asks for.
    pub fn list(&self, query: ListQuery) -> ItemStream<VectorStore> {
        List::new(&self.service, &["vector_stores"]).items(query)
    }

    /// One page of the stores.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page<VectorStore>> {
        List::new(&self.service, &["vector_stores"]).page(query).await
    }

    /// Changes a store. What the body does not name stays as it is.
    pub async fn update(&self, store_id: &str, changes: &UpdateVectorStore) -> Result<VectorStore> {
        self.service.post(&["vector_stores", store_id], changes).await
    }

    /// Deletes a store. The uploaded files stay.
    pub async fn delete(&self, store_id: &str) -> Result<Deleted> {
        self.service.delete(&["vector_stores", store_id]).await
    }

    /// The passages of a store that say most about a query, the best first.
    pub async fn search(&self, store_id: &str, search: &SearchVectorStore) -> Result<SearchPage> {
        self.service.post(&["vector_stores", store_id, "search"], search).await
    }

    /// The files of one store.
    pub fn files(&self, store_id: impl Into<String>) -> StoreFiles {
        StoreFiles::new(self.service.clone(), store_id.into(), self.patience)
    }

    /// The batches of files that are put into one store.
    pub fn file_batches(&self, store_id: impl Into<String>) -> FileBatches {
        FileBatches::new(self.service.clone(), store_id.into(), self.patience)
    }
}
