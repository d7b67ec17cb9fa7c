//! A version of an agent: a definition that never changes.

use serde::{Deserialize, Serialize};

use super::{AgentEndpoint, BuildProgress, Definition, definition::of_known_kind};
use crate::{Extra, Metadata, UnixSeconds, error::ErrorDetail};

/// A version of an agent.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct AgentVersion {
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// Always `agent.version`.
    pub object: String,
    /// `NAME:VERSION`.
    pub id: String,
    /// The agent's name.
    pub name: String,
    /// `1`, `2`, …, or `draft-…`.
    pub version: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// What the agent is in this version.
    pub definition: Definition,
    /// Whether it can be used.
    pub status: AgentVersionStatus,
    /// True for a draft, absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AgentVersion {
    /// How far it is, while it is being made.
    pub fn progress(&self) -> Option<BuildProgress> {
        self.extra.get("progress").and_then(|progress| serde_json::from_value(progress.clone()).ok())
    }

    /// Why it could not be made.
    pub fn error(&self) -> Option<ErrorDetail> {
        self.extra.get("error").and_then(|error| serde_json::from_value(error.clone()).ok())
    }
}

/// Whether a version can be used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AgentVersionStatus {
    /// It is being made.
    Creating,
    /// It can be used.
    Active,
    /// It could not be made.
    Failed,
    /// It is being deleted.
    Deleting,
    /// It is gone.
    Deleted,
}

/// The body that creates a version.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct CreateAgentVersion {
    /// What the agent is in this version.
    #[serde(deserialize_with = "of_known_kind")]
    pub definition: Definition,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is a draft, which never becomes the latest version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// How the agent is reached from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_endpoint: Option<AgentEndpoint>,
    /// How the agent introduces itself from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_card: Option<Extra>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CreateAgentVersion {
    /// A version with this definition.
    pub fn new(definition: impl Into<Definition>) -> Self {
        Self {
            definition: definition.into(),
            metadata: None,
            description: None,
            draft: None,
            agent_endpoint: None,
            agent_card: None,
            extra: Extra::new(),
        }
    }
}
