//! The checks of how an agent is reached.

use cupola_wire::agents::{AgentEndpoint, VersionSelectionRule};

use crate::ApiError;

const RULES: &str = "agent_endpoint.version_selector.version_selection_rules";

/// Rules are of a kind that we know, and their shares make a whole.
pub fn check(endpoint: Option<&AgentEndpoint>) -> Result<(), ApiError> {
    let Some(selector) = endpoint.and_then(|endpoint| endpoint.version_selector.as_ref()) else {
        return Ok(());
    };
    let mut total = 0_u64;
    for (index, rule) in selector.version_selection_rules.iter().enumerate() {
        match rule {
            VersionSelectionRule::FixedRatio(rule) => total += u64::from(rule.traffic_percentage),
            VersionSelectionRule::Other(_) => {
                let kind = rule.kind();
                return Err(ApiError::invalid(format!(
                    "Invalid value: '{kind}'. Supported values are: 'FixedRatio'."
                ))
                .code("invalid_value")
                .param(format!("{RULES}[{index}].type")));
            }
        }
    }
    if selector.version_selection_rules.is_empty() || total == 100 {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Invalid '{RULES}': the traffic_percentage of all rules must add up to 100, but they add up to {total}."
    ))
    .code("invalid_payload")
    .param(RULES))
}
