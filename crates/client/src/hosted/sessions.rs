//! Sessions of a hosted agent.

use std::sync::Arc;

use cupola_wire::{
    classic::{ListQuery, Page},
    hosted::{AgentSession, CreateSession},
};

use super::{
    files::SessionFiles,
    logs::{LogQuery, LogStream, read_log},
};
use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service, whole_segment},
};

/// Sessions of one agent.
#[derive(Clone, Debug)]
pub struct Sessions {
    service: Arc<Service>,
    agent: String,
}

impl Sessions {
    pub(crate) fn new(service: Arc<Service>, agent: &str) -> Self {
        Self { service, agent: agent.to_owned() }
    }

    /// Creates a session, and gives it once its sandbox is ready.
    pub async fn create(&self, session: &CreateSession) -> Result<AgentSession> {
        self.service.post(&self.all_of_them(), session).await
    }

    /// One session.
    pub async fn get(&self, id: &str) -> Result<AgentSession> {
        self.service.get(&self.one(id), Query::new()).await
    }

    /// The sessions that the query asks for; oldest first, where it does not say otherwise. Those that were
    /// deleted are among them.
    pub fn list(&self, query: ListQuery) -> ItemStream<AgentSession> {
        List::new(&self.service, &self.all_of_them()).items(query)
    }

    /// One page of the sessions.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page<AgentSession>> {
        List::new(&self.service, &self.all_of_them()).page(query).await
    }

    /// Stops the sandbox of a session. Its files are kept, and the next use starts it again.
    pub async fn stop(&self, id: &str) -> Result<()> {
        let stop = format!("{}:stop", whole_segment(id)?);
        self.service.act(&self.one(&stop)).await
    }

    /// Deletes a session with its files. One that is not there is fine.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.service.remove(&self.one(id), Query::new()).await
    }

    /// The files of a session.
    pub fn files(&self, id: &str) -> SessionFiles {
        SessionFiles::new(self.service.clone(), &self.agent, id)
    }

    /// What the sandbox of a session has said and, where the query says so, will say.
    pub async fn logs(&self, id: &str, query: &LogQuery) -> Result<LogStream> {
        let log = format!("{}:logstream", whole_segment(id)?);
        let path = ["agents", &self.agent, "sessions", &log];
        Ok(read_log(self.service.open_events(&path, query.pairs()).await?))
    }

    fn all_of_them(&self) -> [&str; 4] {
        ["agents", &self.agent, "endpoint", "sessions"]
    }

    fn one<'a>(&'a self, id: &'a str) -> [&'a str; 5] {
        ["agents", &self.agent, "endpoint", "sessions", id]
    }
}
