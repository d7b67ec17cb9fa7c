//! Run steps: what a run did.

use std::sync::Arc;

use cupola_wire::classic::{ListQuery, Page, RunStep};

use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// The steps of one run.
#[derive(Clone, Debug)]
pub struct RunSteps {
    service: Arc<Service>,
    thread_id: String,
    run_id: String,
}

impl RunSteps {
    pub(crate) fn new(service: Arc<Service>, thread_id: String, run_id: String) -> Self {
        Self { service, thread_id, run_id }
    }

    /// One step.
    pub async fn get(&self, step_id: &str) -> Result<RunStep> {
        let [threads, thread, runs, run, steps] = self.path();
        self.service.get(&[threads, thread, runs, run, steps, step_id], Query::new()).await
    }

    /// All steps; newest first, where the query does not say otherwise.
    pub fn list(&self, query: ListQuery) -> ItemStream<RunStep> {
        self.all().items(query)
    }

    /// One page of the steps.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page<RunStep>> {
        self.all().page(query).await
    }

    fn path(&self) -> [&str; 5] {
        ["threads", &self.thread_id, "runs", &self.run_id, "steps"]
    }

    fn all(&self) -> List {
        List::new(&self.service, &self.path())
    }
}
