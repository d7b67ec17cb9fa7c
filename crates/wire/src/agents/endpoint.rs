//! How an agent is reached: which version answers, in which protocols, for whom.

use serde::{Deserialize, Serialize};

use crate::{Extra, tagged::tagged};

/// How an agent is reached.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct AgentEndpoint {
    /// Which version answers; the latest one where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_selector: Option<VersionSelector>,
    /// The protocols that are spoken, each with its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_configuration: Option<Extra>,
    /// The older form of the same: their names alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocols: Option<Vec<String>>,
    /// Who may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_schemes: Option<Vec<Extra>>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Which version answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct VersionSelector {
    /// Shares of the traffic.
    pub version_selection_rules: Vec<VersionSelectionRule>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

tagged! {
    /// One rule of a selector.
    VersionSelectionRule by "type" {
        /// A fixed share of the traffic.
        "FixedRatio" => FixedRatio(FixedRatio),
    }
}

/// A version with a fixed share of the traffic.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FixedRatio {
    /// The version.
    pub agent_version: String,
    /// 0 to 100.
    pub traffic_percentage: u32,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}
