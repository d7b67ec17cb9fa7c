//! Tools as a client declares them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Extra, tagged::tagged};

/// What each kind of tool works on, by kind. Kept as it came: each tool reads its own part.
pub type ToolResources = Extra;

tagged! {
    /// One tool of an agent or of a run.
    Tool by "type" {
        /// A function that the client runs.
        "function" => Function(FunctionTool),
    }
}

/// A function that the client runs.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FunctionTool {
    /// Its declaration.
    pub function: FunctionDefinition,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the model is told of a function.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FunctionDefinition {
    /// The name that the model calls it by.
    pub name: String,
    /// When and how to use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    /// Whether the arguments must follow the schema exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}
