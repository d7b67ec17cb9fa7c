//! Agents: a name, and versions whose definitions never change.

use std::sync::Arc;

use cupola_wire::{
    agents::{AgentDeleted, AgentObject, AgentPatch, AgentVersion, AgentVersionDeleted, CreateAgentVersion},
    classic::{ListQuery, Page},
};

use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service, whole_segment},
};

/// Agents.
#[derive(Clone, Debug)]
pub struct Agents {
    pub(crate) service: Arc<Service>,
}

/// Which agents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentQuery {
    /// Only those of this kind, for example `prompt`.
    pub kind: Option<String>,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for AgentQuery {
    fn from(page: ListQuery) -> Self {
        Self { kind: None, page }
    }
}

/// Which versions of an agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VersionQuery {
    /// Drafts too.
    pub include_drafts: bool,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for VersionQuery {
    fn from(page: ListQuery) -> Self {
        Self { include_drafts: false, page }
    }
}

impl Agents {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// Adds a version to an agent. The first one makes the agent.
    pub async fn create_version(&self, name: &str, version: &CreateAgentVersion) -> Result<AgentVersion> {
        self.service.post(&versions(name), version).await
    }

    /// One agent, with its newest version.
    pub async fn get(&self, name: &str) -> Result<AgentObject> {
        self.service.get(&["agents", name], Query::new()).await
    }

    /// The agents that the query asks for.
    pub fn list(&self, query: impl Into<AgentQuery>) -> ItemStream<AgentObject> {
        let AgentQuery { kind, page } = query.into();
        self.all(kind).items(page)
    }

    /// One page of the agents.
    pub async fn list_page(&self, query: &AgentQuery) -> Result<Page<AgentObject>> {
        self.all(query.kind.clone()).page(&query.page).await
    }

    /// Changes how an agent is reached and introduces itself. Its versions stay as they are.
    pub async fn update(&self, name: &str, changes: &AgentPatch) -> Result<AgentObject> {
        self.service.merge(&["agents", name], changes).await
    }

    /// Lets an agent answer.
    pub async fn enable(&self, name: &str) -> Result<()> {
        self.act(name, "enable").await
    }

    /// Lets an agent refuse what comes. What is under way goes on.
    pub async fn disable(&self, name: &str) -> Result<()> {
        self.act(name, "disable").await
    }

    /// Deletes an agent with all its versions.
    pub async fn delete(&self, name: &str) -> Result<AgentDeleted> {
        self.service.delete(&["agents", name]).await
    }

    /// Deletes an agent, even one that is in use.
    pub async fn force_delete(&self, name: &str) -> Result<AgentDeleted> {
        self.service.delete_with(&["agents", name], forced()).await
    }

    /// One version of an agent.
    pub async fn get_version(&self, name: &str, version: &str) -> Result<AgentVersion> {
        self.service.get(&one_version(name, version), Query::new()).await
    }

    /// The versions of an agent that the query asks for.
    pub fn list_versions(&self, name: &str, query: impl Into<VersionQuery>) -> ItemStream<AgentVersion> {
        let VersionQuery { include_drafts, page } = query.into();
        self.all_versions(name, include_drafts).items(page)
    }

    /// One page of the versions of an agent.
    pub async fn list_versions_page(&self, name: &str, query: &VersionQuery) -> Result<Page<AgentVersion>> {
        self.all_versions(name, query.include_drafts).page(&query.page).await
    }

    /// Deletes a version. The last one takes the agent with it.
    pub async fn delete_version(&self, name: &str, version: &str) -> Result<AgentVersionDeleted> {
        self.service.delete(&one_version(name, version)).await
    }

    /// Deletes a version, even one that is in use.
    pub async fn force_delete_version(&self, name: &str, version: &str) -> Result<AgentVersionDeleted> {
        self.service.delete_with(&one_version(name, version), forced()).await
    }

    async fn act(&self, name: &str, verb: &str) -> Result<()> {
        let name = whole_segment(name)?;
        self.service.act(&["agents", &format!("{name}:{verb}")]).await
    }

    fn all(&self, kind: Option<String>) -> List {
        List::new(&self.service, &["agents"]).filtered("kind", kind)
    }

    fn all_versions(&self, name: &str, include_drafts: bool) -> List {
        let include_drafts = include_drafts.then(|| "true".to_owned());
        List::new(&self.service, &versions(name)).filtered("include_drafts", include_drafts)
    }
}

fn versions(name: &str) -> [&str; 3] {
    ["agents", name, "versions"]
}

fn one_version<'a>(name: &'a str, version: &'a str) -> [&'a str; 4] {
    ["agents", name, "versions", version]
}

fn forced() -> Query {
    vec![("force", "true".to_owned())]
}
