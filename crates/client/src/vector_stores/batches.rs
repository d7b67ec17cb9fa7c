//! Batches: many files put into one store at once.

use std::sync::Arc;

use cupola_wire::{
    classic::Page,
    vector_stores::{CreateFileBatch, VectorStoreFile, VectorStoreFileBatch},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{files::StoreFileQuery, settled::until_settled};
use crate::{
    ItemStream, Patience, Result, Upload,
    classic::Files,
    list::List,
    service::{Query, Service},
};

/// How many files are uploaded at the same time.
const UPLOADS: usize = 5;

/// Batches of files that are put into one store.
#[derive(Clone, Debug)]
pub struct FileBatches {
    service: Arc<Service>,
    store: String,
    patience: Patience,
}

impl FileBatches {
    pub(crate) fn new(service: Arc<Service>, store: String, patience: Patience) -> Self {
        Self { service, store, patience }
    }

    /// Puts uploaded files into the store. They are read in the background.
    pub async fn create(&self, batch: &CreateFileBatch) -> Result<VectorStoreFileBatch> {
        self.service.post(&["vector_stores", &self.store, "file_batches"], batch).await
    }

    /// Puts uploaded files into the store and waits until they are read, well or not: see its `file_counts`.
    pub async fn create_and_poll(&self, batch: &CreateFileBatch) -> Result<VectorStoreFileBatch> {
        let batch = self.create(batch).await?;
        self.poll(&batch.id).await
    }

    /// Uploads files, several at a time, puts them into the store and waits until they are read, well or not.
    /// The first that can't be uploaded ends it: then nothing is put into the store.
    pub async fn upload_and_poll(
        &self,
        uploads: impl IntoIterator<Item = Upload>,
    ) -> Result<VectorStoreFileBatch> {
        let files = Files::new(self.service.clone());
        let uploads: Vec<Upload> = uploads.into_iter().collect();
        let uploading = stream::iter(uploads).map(|upload| {
            let files = files.clone();
            async move { files.upload(&upload).await }
        });
        let uploaded = uploading.buffered(UPLOADS).map_ok(|file| file.id).try_collect().await?;
        let batch = CreateFileBatch { file_ids: Some(uploaded), ..CreateFileBatch::default() };
        self.create_and_poll(&batch).await
    }

    /// Waits until all files of a batch are read, well or not.
    pub async fn poll(&self, batch_id: &str) -> Result<VectorStoreFileBatch> {
        self.poll_with(batch_id, |_| {}).await
    }

    /// The same, and shows the batch at each look: how many of its files are read by then.
    pub async fn poll_with(
        &self,
        batch_id: &str,
        seen: impl FnMut(&VectorStoreFileBatch),
    ) -> Result<VectorStoreFileBatch> {
        until_settled(&self.service, &self.one(batch_id), self.patience, seen).await
    }

    /// One batch.
    pub async fn get(&self, batch_id: &str) -> Result<VectorStoreFileBatch> {
        self.service.get(&self.one(batch_id), Query::new()).await
    }

    /// Gives up those files of a batch that are not read yet.
    pub async fn cancel(&self, batch_id: &str) -> Result<VectorStoreFileBatch> {
        let path = ["vector_stores", &self.store, "file_batches", batch_id, "cancel"];
        self.service.post_empty(&path).await
    }

    /// The files of a batch that the query asks for.
    pub fn list_files(
        &self,
        batch_id: &str,
        query: impl Into<StoreFileQuery>,
    ) -> ItemStream<VectorStoreFile> {
        let query = query.into();
        self.files_of(batch_id, &query).items(query.page)
    }

    /// One page of the files of a batch.
    pub async fn list_files_page(
        &self,
        batch_id: &str,
        query: &StoreFileQuery,
    ) -> Result<Page<VectorStoreFile>> {
        self.files_of(batch_id, query).page(&query.page).await
    }

    fn files_of(&self, batch: &str, query: &StoreFileQuery) -> List {
        let path = ["vector_stores", &self.store, "file_batches", batch, "files"];
        let status = query.status.map(|status| status.as_str().to_owned());
        List::new(&self.service, &path).filtered("filter", status)
    }

    fn one<'a>(&'a self, batch: &'a str) -> [&'a str; 4] {
        ["vector_stores", &self.store, "file_batches", batch]
    }
}
