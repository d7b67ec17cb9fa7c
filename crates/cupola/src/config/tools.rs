//! `[tools]`: what the tools that the service runs may reach, and what they use.

use std::time::Duration;

use cupola_tools::{mcp::Patience, outgoing::Allow};
use serde::{Deserialize, Deserializer, de::Error};

use super::{durations, web_search::WebSearchConfig};

/// `[tools]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolsConfig {
    /// What tools may reach beside the public internet.
    #[serde(deserialize_with = "allow")]
    pub allow: Allow,
    /// Who searches the web.
    pub web_search: WebSearchConfig,
    /// How long is waited for an MCP server to list its tools.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub mcp_list_timeout: Duration,
    /// How long is waited for an MCP server that says nothing while it runs a tool.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub mcp_call_timeout: Duration,
    /// How long an MCP server may run a tool if it goes on saying how far it is.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub mcp_longest_call: Duration,
}

impl Default for ToolsConfig {
    fn default() -> Self {
        let Patience { list, call, longest_call, .. } = Patience::default();
        Self {
            allow: Allow::default(),
            web_search: WebSearchConfig::default(),
            mcp_list_timeout: list,
            mcp_call_timeout: call,
            mcp_longest_call: longest_call,
        }
    }
}

impl ToolsConfig {
    /// How long MCP servers are waited for.
    pub fn mcp(&self) -> Patience {
        let (list, call, longest_call) =
            (self.mcp_list_timeout, self.mcp_call_timeout, self.mcp_longest_call);
        Patience { list, call, longest_call, open: Patience::default().open.min(list) }
    }
}

fn allow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Allow, D::Error> {
    Allow::read(Vec::<String>::deserialize(deserializer)?).map_err(D::Error::custom)
}
