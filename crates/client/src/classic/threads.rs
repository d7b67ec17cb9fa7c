//! Threads.

use std::sync::Arc;

use cupola_wire::classic::{CreateThread, Deleted, ListQuery, Page, Thread, UpdateThread};

use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// Threads.
#[derive(Clone, Debug)]
pub struct Threads {
    service: Arc<Service>,
}

impl Threads {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// Creates a thread.
    pub async fn create(&self, thread: &CreateThread) -> Result<Thread> {
        self.service.post(&["threads"], thread).await
    }

    /// One thread.
    pub async fn get(&self, thread_id: &str) -> Result<Thread> {
        self.service.get(&["threads", thread_id], Query::new()).await
    }

    /// All threads.
    pub fn list(&self, query: ListQuery) -> ItemStream<Thread> {
        self.all().items(query)
    }

    /// One page of the threads.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page<Thread>> {
        self.all().page(query).await
    }

    /// Changes a thread.
    pub async fn update(&self, thread_id: &str, changes: &UpdateThread) -> Result<Thread> {
        self.service.post(&["threads", thread_id], changes).await
    }

    /// Deletes a thread.
    pub async fn delete(&self, thread_id: &str) -> Result<Deleted> {
        self.service.delete(&["threads", thread_id]).await
    }

    fn all(&self) -> List {
        List::new(&self.service, &["threads"])
    }
}
