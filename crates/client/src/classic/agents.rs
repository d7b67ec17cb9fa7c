//! Agents.

use std::sync::Arc;

use cupola_wire::classic::{Agent, CreateAgent, Deleted, ListQuery, Page, UpdateAgent};

use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// Agents.
#[derive(Clone, Debug)]
pub struct Agents {
    service: Arc<Service>,
}

impl Agents {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// Creates an agent.
    pub async fn create(&self, agent: &CreateAgent) -> Result<Agent> {
        self.service.post(&["assistants"], agent).await
    }

    /// One agent.
    pub async fn get(&self, agent_id: &str) -> Result<Agent> {
        self.service.get(&["assistants", agent_id], Query::new()).await
    }

    /// All agents.
    pub fn list(&self, query: ListQuery) -> ItemStream<Agent> {
        self.all().items(query)
    }

    /// One page of the agents.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page<Agent>> {
        self.all().page(query).await
    }

    /// Changes an agent; what `changes` leaves out stays as it is.
    pub async fn update(&self, agent_id: &str, changes: &UpdateAgent) -> Result<Agent> {
        self.service.post(&["assistants", agent_id], changes).await
    }

    /// Deletes an agent.
    pub async fn delete(&self, agent_id: &str) -> Result<Deleted> {
        self.service.delete(&["assistants", agent_id]).await
    }

    fn all(&self) -> List {
        List::new(&self.service, &["assistants"])
    }
}
