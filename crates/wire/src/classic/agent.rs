//! Agents (the wire's `assistant`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Tool, ToolResources};
use crate::{Extra, Metadata, UnixSeconds};

/// A model with instructions and tools under a name.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Agent {
    /// `asst_…`.
    pub id: String,
    /// Always `assistant`.
    pub object: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// The name for people.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The deployment that answers for it.
    pub model: String,
    /// The system instructions.
    pub instructions: Option<String>,
    /// The tools that it may call.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// What the tools work on.
    #[serde(default)]
    pub tool_resources: ToolResources,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// `auto`, or an object that asks for text, a JSON object or a JSON schema.
    #[serde(default)]
    pub response_format: Value,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that creates an agent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateAgent {
    /// The deployment that answers for it.
    pub model: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The system instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The tools that it may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// What the tools work on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_resources: Option<ToolResources>,
    /// Sampling temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// `auto`, or an object that asks for text, a JSON object or a JSON schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that changes an agent: what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct UpdateAgent {
    /// The deployment that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The system instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The tools that it may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// What the tools work on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_resources: Option<ToolResources>,
    /// Sampling temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// `auto`, or an object that asks for text, a JSON object or a JSON schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}
