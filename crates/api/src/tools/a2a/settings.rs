//! The settings of the tool, as clients write them, with who is asking.

use cupola_engine::turn::TurnFault;
use serde::Deserialize;
use serde_json::Value;

use super::{KIND, found::Found};
use crate::tools::{lineage::Lineage, naming::function_name, read_settings};

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub struct Settings {
    /// What the model calls it; nobody has to say.
    #[serde(default)]
    pub name: Option<String>,
    /// When to ask it; nobody has to say.
    #[serde(default)]
    pub description: Option<String>,
    /// The address of the agent.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Where its card is.
    #[serde(default)]
    pub agent_card_path: Option<String>,
    /// The connection that knows its address and its credentials.
    #[serde(default)]
    pub project_connection_id: Option<String>,
    /// Whether the card is asked for with credentials, too.
    #[serde(default)]
    pub send_credentials_for_agent_card: Option<bool>,
    /// The agents that are at work on the question: see [`crate::responses`].
    #[serde(default)]
    pub lineage: Lineage,
}

impl Settings {
    /// Reads them.
    pub fn read(settings: &Value) -> Result<Self, TurnFault> {
        read_settings(KIND, settings)
    }

    /// What the model calls the agent: as the tool says, or by its connection, or as the agent calls itself.
    pub fn function_name(&self, found: Option<&Found>) -> String {
        let connection = self.project_connection_id.as_deref();
        let connection = connection.map(|id| id.rsplit('/').next().unwrap_or(id));
        let own = found.map(Found::name).filter(|name| !name.is_empty());
        function_name(self.name.as_deref().or(connection).or(own).unwrap_or_default(), "ask_agent")
    }
}
