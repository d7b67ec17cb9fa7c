//! The settings of the tool, as clients write them.

use cupola_engine::turn::TurnFault;
use serde::Deserialize;
use serde_json::Value;

use super::KIND;
use crate::tools::read_settings;

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Settings {
    /// The store.
    pub memory_store_name: String,
    /// Whose memories.
    pub scope: String,
    /// How it is searched.
    #[serde(default)]
    pub search_options: Option<SearchOptions>,
    /// How long is waited for more before what was said becomes memories, in seconds.
    #[serde(default)]
    pub update_delay: Option<i64>,
}

/// How a store is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SearchOptions {
    /// How many memories at most.
    #[serde(default)]
    pub max_memories: Option<u64>,
}

impl Settings {
    /// Reads them.
    pub fn read(settings: &Value) -> Result<Self, TurnFault> {
        read_settings(KIND, settings)
    }
}
