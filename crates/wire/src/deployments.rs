//! Deployments: models under the names that a project gives them.

use serde::{Deserialize, Serialize};

use crate::Extra;

/// A model under the name that a project gives it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// `ModelDeployment`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What agents and responses call it.
    pub name: String,
    /// The model.
    #[serde(default)]
    pub model_name: String,
    /// Its version.
    #[serde(default)]
    pub model_version: String,
    /// Who made it.
    #[serde(default)]
    pub model_publisher: String,
    /// What it is for, for example `chat_completion`.
    #[serde(default)]
    pub capabilities: Extra,
    /// All other fields.
    #[serde(flatten)]
    pub extra: Extra,
}
