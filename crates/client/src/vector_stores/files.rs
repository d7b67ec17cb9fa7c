//! Files of one store.

use std::sync::Arc;

use cupola_wire::{
    classic::{Deleted, ListQuery, Page},
    vector_stores::{
        Attributes, CreateVectorStoreFile, FileContent, FileStatus, UpdateVectorStoreFile, VectorStoreFile,
    },
};
use serde::Deserialize;

use super::settled::until_settled;
use crate::{
    ItemStream, Patience, Result, Upload,
    classic::Files,
    list::List,
    service::{Query, Service},
};

/// Files of one store.
#[derive(Clone, Debug)]
pub struct StoreFiles {
    service: Arc<Service>,
    store: String,
    patience: Patience,
}

/// Which files of a store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreFileQuery {
    /// Only those that are that far.
    pub status: Option<FileStatus>,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for StoreFileQuery {
    fn from(page: ListQuery) -> Self {
        Self { status: None, page }
    }
}

/// The text of a file.
#[derive(Deserialize)]
struct ContentPage {
    data: Vec<FileContent>,
}

impl StoreFiles {
    pub(crate) fn new(service: Arc<Service>, store: String, patience: Patience) -> Self {
        Self { service, store, patience }
    }

    /// Puts an uploaded file into the store. It is read in the background.
    pub async fn create(&self, file: &CreateVectorStoreFile) -> Result<VectorStoreFile> {
        self.service.post(&self.all_of_them(), file).await
    }

    /// Puts an uploaded file into the store and waits until it is read, well or not: see its `status` and its
    /// `last_error`.
    pub async fn create_and_poll(&self, file: &CreateVectorStoreFile) -> Result<VectorStoreFile> {
        let file = self.create(file).await?;
        self.poll(&file.id).await
    }

    /// Uploads a file, puts it into the store and waits until it is read, well or not.
    pub async fn upload_and_poll(&self, upload: &Upload) -> Result<VectorStoreFile> {
        let file = Files::new(self.service.clone()).upload(upload).await?;
        self.create_and_poll(&CreateVectorStoreFile::of(file.id)).await
    }

    /// Waits until a file is read, well or not.
    pub async fn poll(&self, file_id: &str) -> Result<VectorStoreFile> {
        until_settled(&self.service, &self.one(file_id), self.patience, |_| {}).await
    }

    /// One file.
    pub async fn get(&self, file_id: &str) -> Result<VectorStoreFile> {
        self.service.get(&self.one(file_id), Query::new()).await
    }

    /// The files that the query asks for.
    pub fn list(&self, query: impl Into<StoreFileQuery>) -> ItemStream<VectorStoreFile> {
        let StoreFileQuery { status, page } = query.into();
        self.that_are(status).items(page)
    }

    /// One page of the files.
    pub async fn list_page(&self, query: &StoreFileQuery) -> Result<Page<VectorStoreFile>> {
        self.that_are(query.status).page(&query.page).await
    }

    /// Replaces what is said about a file, which searches can filter by.
    pub async fn update(&self, file_id: &str, attributes: Attributes) -> Result<VectorStoreFile> {
        let body = UpdateVectorStoreFile { attributes: Some(attributes), extra: Default::default() };
        self.service.post(&self.one(file_id), &body).await
    }

    /// Takes a file out of the store. The uploaded file stays.
    pub async fn delete(&self, file_id: &str) -> Result<Deleted> {
        self.service.delete(&self.one(file_id)).await
    }

    /// The text that was read from a file, piece by piece.
    pub async fn content(&self, file_id: &str) -> Result<Vec<FileContent>> {
        let path = ["vector_stores", &self.store, "files", file_id, "content"];
        let page: ContentPage = self.service.get(&path, Query::new()).await?;
        Ok(page.data)
    }

    fn that_are(&self, status: Option<FileStatus>) -> List {
        let status = status.map(|status| status.as_str().to_owned());
        List::new(&self.service, &self.all_of_them()).filtered("filter", status)
    }

    fn all_of_them(&self) -> [&str; 3] {
        ["vector_stores", &self.store, "files"]
    }

    fn one<'a>(&'a self, file: &'a str) -> [&'a str; 4] {
        ["vector_stores", &self.store, "files", file]
    }
}
