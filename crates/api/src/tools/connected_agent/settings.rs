//! The settings of `connected_agent`, as clients write them.

use cupola_engine::turn::TurnFault;
use serde::Deserialize;
use serde_json::Value;

use super::KIND;
use crate::tools::read_settings;

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Settings {
    /// The agent.
    pub id: String,
    /// What the model calls it.
    pub name: String,
    /// When to ask it.
    #[serde(default)]
    pub description: String,
}

impl Settings {
    /// Reads them.
    pub fn read(settings: &Value) -> Result<Self, TurnFault> {
        read_settings(KIND, settings)
    }
}
