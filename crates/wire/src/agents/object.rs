//! An agent: its name, its newest version, and how it is reached.

use serde::{Deserialize, Serialize};

use super::{AgentEndpoint, AgentVersion};
use crate::Extra;

/// An agent.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct AgentObject {
    /// Always `agent`.
    pub object: String,
    /// The same as `name`.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether it answers.
    pub state: AgentState,
    /// Whether it is set to answer.
    pub configuration_state: AgentState,
    /// Its versions.
    pub versions: AgentVersions,
    /// How it is reached, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_endpoint: Option<AgentEndpoint>,
    /// How it introduces itself to other agents, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_card: Option<Extra>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Whether an agent answers.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It answers.
    #[default]
    Enabled,
    /// It refuses every request.
    Disabled,
}

/// The versions of an agent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct AgentVersions {
    /// The newest one that is not a draft. Where there are drafts alone, the newest of them: clients insist
    /// on the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<AgentVersion>,
}

/// The body that changes how an agent is reached and introduces itself: a merge patch.
///
/// What is absent stays. A field that stands as null in `extra` is removed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct AgentPatch {
    /// How it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_endpoint: Option<AgentEndpoint>,
    /// How it introduces itself to other agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_card: Option<Extra>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The answer to the delete of an agent.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct AgentDeleted {
    /// Always `agent.deleted`.
    pub object: String,
    /// What was deleted.
    pub name: String,
    /// Always true.
    pub deleted: bool,
}

/// The answer to the delete of a version.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct AgentVersionDeleted {
    /// Always `agent.version.deleted`.
    pub object: String,
    /// The agent.
    pub name: String,
    /// Which version of it was deleted.
    pub version: String,
    /// Always true.
    pub deleted: bool,
}
