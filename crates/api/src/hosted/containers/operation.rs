//! An operation on a container: recorded before it is performed, and for whoever wants to know what became of it.

use std::sync::Arc;

use cupola_engine::ids;
use cupola_store::{Change, Key, Kind, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{scale::Scale, state::Wish};
use crate::{ApiError, Service, body::document};

/// An operation; its parent is [`operations_of`] the agent, its facet the version.
pub const OPERATION: Kind = Kind::named("hosted_operation");

/// An operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// The agent.
    pub agent: String,
    /// Its version.
    pub version: String,
    /// What is asked for.
    pub wish: Wish,
    /// With how many replicas.
    pub scale: Scale,
    /// How far it is.
    pub status: OperationStatus,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<OperationError>,
    /// The container, as it was when the operation got as far as it is.
    #[serde(default)]
    pub container: Option<Value>,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationStatus {
    /// Others come first.
    NotStarted,
    /// It is being performed.
    InProgress,
    /// It came true.
    Succeeded,
    /// It did not.
    Failed,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationError {
    /// The word for programs.
    pub code: String,
    /// The family.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sentence.
    pub message: String,
}

/// The parent of an agent's operations.
pub fn operations_of(agent: &str) -> String {
    format!("agents/{agent}/operations")
}

impl Operation {
    /// An operation that was asked for.
    pub fn new(agent: &str, version: &str, wish: Wish, scale: Scale) -> Self {
        Self {
            id: ids::new("op_"),
            agent: agent.to_owned(),
            version: version.to_owned(),
            wish,
            scale,
            status: OperationStatus::NotStarted,
            error: None,
            container: None,
        }
    }

    /// Reads a stored one.
    pub fn read(stored: &Resource) -> Result<Self, ApiError> {
        serde_json::from_slice(&stored.doc)
            .map_err(|error| ApiError::internal(&format!("reading the operation {}", stored.id), error))
    }

    /// Whether nothing more becomes of it.
    pub fn is_over(&self) -> bool {
        matches!(self.status, OperationStatus::Succeeded | OperationStatus::Failed)
    }

    /// What clients see.
    pub fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "agent_id": self.agent,
            "agent_version_id": format!("{}:{}", self.agent, self.version),
            "status": self.status,
            "error": self.error,
            "container": self.container,
        })
    }

    /// The change that stores this as new.
    pub fn insert(&self, project: &Arc<str>, now: i64) -> Change {
        Change::Insert {
            key: Key::new(project, OPERATION, self.id.clone()),
            parent: operations_of(&self.agent),
            facet: self.version.clone(),
            created_at: now,
            doc: document(self),
            aside: None,
        }
    }

    /// The change that stores this in place of the one with this etag.
    pub fn replace(&self, project: &Arc<str>, if_etag: i64) -> Change {
        Change::Replace { key: Key::new(project, OPERATION, self.id.clone()), if_etag, doc: document(self) }
    }
}

/// An operation with its etag.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    id: &str,
) -> Result<Option<(Operation, i64)>, ApiError> {
    let stored = service.store().get(&Key::new(project, OPERATION, id)).await?;
    stored.map(|stored| Ok((Operation::read(&stored)?, stored.etag))).transpose()
}
