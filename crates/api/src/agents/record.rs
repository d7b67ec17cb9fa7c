//! An agent as it is stored: what clients see, and the number of its newest version, which outlives that
//! version so that no number is given twice.

use bytes::Bytes;
use cupola_engine::Millis;
use cupola_store::{Change, Conflict, Key, Resource, StoreError};
use cupola_wire::agents::{
    AgentObject, AgentState, AgentVersion, AgentVersionStatus, AgentVersions, CreateAgentVersion,
};
use serde::{Deserialize, Serialize};

use super::{
    identity,
    kinds::{find_agent, no_agent},
    settle,
};
use crate::{ApiError, Service, body::document, classic::checks};

/// Fields of a version that the service sets.
const OWN: &[&str] = &[
    "object",
    "id",
    "name",
    "version",
    "created_at",
    "status",
    "state",
    "error",
    "agent_guid",
    "instance_identity",
    "blueprint",
];

/// An agent as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The number of the newest version that there ever was.
    pub last_number: u64,
    /// What clients see.
    pub agent: AgentObject,
}

impl Record {
    /// A new agent, still without versions.
    pub fn new(name: &str) -> Self {
        let agent = AgentObject {
            object: "agent".to_owned(),
            id: name.to_owned(),
            name: name.to_owned(),
            state: AgentState::Enabled,
            configuration_state: AgentState::Enabled,
            versions: AgentVersions::default(),
            agent_endpoint: None,
            agent_card: None,
            extra: serde_json::Map::new(),
        };
        Self { last_number: 0, agent }
    }

    /// Adds a version, and gives it. A draft takes no number and never takes the place of a release.
    pub fn add(&mut self, body: CreateAgentVersion, now: Millis) -> AgentVersion {
        let draft = body.draft == Some(true);
        let version = if draft {
            format!("draft-{now}")
        } else {
            self.last_number += 1;
            self.last_number.to_string()
        };
        let mut added = AgentVersion {
            metadata: body.metadata.unwrap_or_default(),
            object: "agent.version".to_owned(),
            id: format!("{}:{version}", self.agent.name),
            name: self.agent.name.clone(),
            version,
            description: body.description.unwrap_or_default(),
            created_at: now / 1000,
            definition: body.definition,
            status: AgentVersionStatus::Active,
            draft: draft.then_some(true),
            extra: checks::extra(body.extra, OWN),
        };
        if added.definition.kind() == "hosted" {
            settle::set(&mut added, AgentVersionStatus::Creating, None);
            identity::give(&mut self.agent, &mut added);
        }
        if body.agent_endpoint.is_some() {
            self.agent.agent_endpoint = body.agent_endpoint;
        }
        if body.agent_card.is_some() {
            self.agent.agent_card = body.agent_card;
        }
        if !draft || self.latest().is_none() {
            self.agent.versions.latest = Some(added.clone());
        }
        added
    }

    /// Reads a stored agent.
    pub fn read(key: &Key, stored: &Resource) -> Result<Self, ApiError> {
        serde_json::from_slice(&stored.doc)
            .map_err(|error| ApiError::internal(&format!("reading {key}"), error))
    }

    /// What clients see, as JSON.
    pub fn shown(&self) -> Bytes {
        document(&self.agent)
    }

    /// The newest version that is not a draft.
    pub fn latest(&self) -> Option<&AgentVersion> {
        self.agent.versions.latest.as_ref().filter(|latest| latest.draft != Some(true))
    }

    /// What kind of agent this is.
    pub fn kind(&self) -> &str {
        self.agent.versions.latest.as_ref().map(|latest| latest.definition.kind()).unwrap_or_default()
    }

    /// Whether a version of it was ever hosted.
    pub fn was_ever_hosted(&self) -> bool {
        identity::is_given(&self.agent)
    }

    /// The change that stores this in place of what was read.
    pub fn replace(&self, key: &Key, if_etag: i64) -> Change {
        Change::Replace { key: key.clone(), if_etag, doc: document(self) }
    }
}

/// Changes an agent, again and again while somebody else is faster, and gives what it has become.
pub async fn change(
    service: &Service,
    key: &Key,
    edit: impl Fn(&mut Record) -> Result<(), ApiError>,
) -> Result<Record, ApiError> {
    loop {
        let (mut record, etag) = find_agent(service, key).await?;
        edit(&mut record)?;
        match service.store().commit(vec![record.replace(key, etag)]).await {
            Ok(()) => return Ok(record),
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(StoreError::Conflict(_)) => return Err(no_agent(&key.id)),
            Err(error) => return Err(error.into()),
        }
    }
}
