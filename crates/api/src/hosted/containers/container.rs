//! A container as it is stored, and how it is shown.

use std::sync::Arc;

use cupola_hosting::Fleet;
use cupola_store::{Change, Key, Kind, Listing, Order};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{replica::Replica, scale::Scale, state::ContainerState};
use crate::{ApiError, Service, body::document};

/// A container; its id is `AGENT/VERSION`, its parent [`containers_of`] the agent.
const CONTAINER: Kind = Kind::named("hosted_container");

/// The container of a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    /// The agent.
    pub agent: String,
    /// Its version.
    pub version: String,
    /// Where it is.
    pub state: ContainerState,
    /// How many replicas it has.
    pub scale: Scale,
    /// Why it does not run.
    #[serde(default)]
    pub error_message: Option<String>,
    /// In seconds.
    pub created_at: i64,
    /// In seconds.
    pub updated_at: i64,
}

fn containers_of(agent: &str) -> String {
    format!("agents/{agent}/containers")
}

fn key(project: &Arc<str>, agent: &str, version: &str) -> Key {
    Key::new(project, CONTAINER, format!("{agent}/{version}"))
}

impl Container {
    /// A container that is not there yet.
    pub fn absent(agent: &str, version: &str, now: i64) -> Self {
        Self {
            agent: agent.to_owned(),
            version: version.to_owned(),
            state: ContainerState::Deleted,
            scale: Scale::default(),
            error_message: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// All replicas that it may have.
    pub fn replicas(&self, project: &str) -> Vec<Replica> {
        (0..self.scale.max).map(|index| self.replica(project, index)).collect()
    }

    /// The replica with this number.
    pub fn replica(&self, project: &str, index: u32) -> Replica {
        Replica::of(project, &self.agent, &self.version, index)
    }

    /// What clients see.
    pub fn shown(&self, project: &str, fleet: &Fleet) -> Value {
        let replicas = self.replicas(project);
        let running: Vec<Value> = replicas
            .iter()
            .filter(|replica| fleet.visits(&replica.guid).is_some())
            .map(|replica| json!({"name": replica.name, "state": "Running", "container_state": "Running"}))
            .collect();
        let is_complete = running.len() >= self.scale.min as usize;
        let health = match self.state {
            _ if !self.state.answers() => "None",
            _ if is_complete => "Healthy",
            _ => "Unhealthy",
        };
        let provisioning = match self.state {
            ContainerState::Failed => "Failed",
            ContainerState::Running | ContainerState::Stopped | ContainerState::Deleted => "Succeeded",
            _ => "InProgress",
        };
        json!({
            "object": "agent.container",
            "id": format!("{}:{}", self.agent, self.version),
            "status": self.state,
            "min_replicas": self.scale.min,
            "max_replicas": self.scale.max,
            "error_message": self.error_message,
            "created_at": moment(self.created_at),
            "updated_at": moment(self.updated_at),
            "container": {
                "health_state": health,
                "provisioning_state": provisioning,
                "state": if self.state.answers() { "Running" } else { "Stopped" },
                "updated_on": moment(self.updated_at),
                "replicas": running,
            },
        })
    }

    /// The change that stores this; `etag` is that of the stored one, if there is one.
    pub fn store(&self, project: &Arc<str>, etag: Option<i64>) -> Change {
        let (key, doc) = (key(project, &self.agent, &self.version), document(self));
        match etag {
            Some(if_etag) => Change::Replace { key, if_etag, doc },
            None => Change::Insert {
                key,
                parent: containers_of(&self.agent),
                facet: String::new(),
                created_at: self.created_at,
                doc,
                aside: None,
            },
        }
    }

    /// The change that forgets it.
    pub fn forget(&self, project: &Arc<str>) -> Change {
        Change::Delete { key: key(project, &self.agent, &self.version) }
    }
}

/// A moment as this generation of the service writes it.
pub fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// The container of a version with its etag, if there ever was one.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    version: &str,
) -> Result<Option<(Container, i64)>, ApiError> {
    let Some(stored) = service.store().get(&key(project, agent, version)).await? else { return Ok(None) };
    let container = serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the container {}", stored.id), error))?;
    Ok(Some((container, stored.etag)))
}

/// All containers of an agent.
pub async fn all(service: &Service, project: &Arc<str>, agent: &str) -> Result<Vec<Container>, ApiError> {
    let parent = containers_of(agent);
    let (order, limit) = (Order::Asc, usize::MAX - 1);
    let (kind, parent) = (CONTAINER, parent.as_str());
    let listing = Listing { project, kind, parent, facet: None, order, after: None, before: None, limit };
    let stored = service.store().list(listing).await?.items;
    let read = |doc: &[u8]| {
        serde_json::from_slice(doc).map_err(|error| ApiError::internal("reading the containers", error))
    };
    stored.iter().map(|stored| read(&stored.doc)).collect()
}
