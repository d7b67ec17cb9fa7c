//! `[tools]`: what the tools that the service runs may reach, and what they use.

use cupola_tools::outgoing::Allow;
use serde::{Deserialize, Deserializer, de::Error};

/// `[tools]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolsConfig {
    /// What tools may reach beside the public internet.
    #[serde(deserialize_with = "allow")]
    pub allow: Allow,
}

fn allow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Allow, D::Error> {
    Allow::read(Vec::<String>::deserialize(deserializer)?).map_err(D::Error::custom)
}
