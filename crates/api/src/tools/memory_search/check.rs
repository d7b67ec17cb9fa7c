//! What a response needs that goes by memories, before it is accepted.

use std::sync::Arc;

use cupola_engine::{ToolSpec, TurnSpec};
use serde_json::{Value, json};

use super::{EARLIER, KIND, settings::Settings};
use crate::{ApiError, Service};

/// Stands for whoever asks in the scope of a tool.
const USER: &str = "{{$userId}}";

/// Puts whoever asks into the scopes that mean them.
pub fn fill_scopes(tools: &mut Value, user: &str) {
    for tool in tools.as_array_mut().into_iter().flatten() {
        let is_memory = [KIND, EARLIER].iter().any(|kind| tool["type"] == *kind);
        if let Some(scope) = tool["scope"].as_str().filter(|scope| is_memory && scope.contains(USER)) {
            tool["scope"] = json!(scope.replace(USER, user));
        }
    }
}

/// Refuses a turn whose memory stores are not there, or whose tools name none.
pub async fn check_stores(service: &Service, project: &Arc<str>, spec: &TurnSpec) -> Result<(), ApiError> {
    for (index, tool) in spec.tools.iter().enumerate() {
        let ToolSpec::Served { kind, settings } = tool else { continue };
        if kind != KIND {
            continue;
        }
        let settings = Settings::read(settings).map_err(|fault| {
            ApiError::invalid(fault.message).code("invalid_value").param(format!("tools[{index}]"))
        })?;
        let found = service.memories().find(project, &settings.memory_store_name).await;
        found.map_err(|error| error.param(format!("tools[{index}].memory_store_name")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_is_put_into_the_scopes_that_mean_them() {
        let mut tools = json!([
            {"type": KIND, "scope": "user:{{$userId}}"}, {"type": EARLIER, "scope": "all"},
            {"type": "other", "scope": "{{$userId}}"},
        ]);
        fill_scopes(&mut tools, "ann");
        let scopes: Vec<_> = tools.as_array().into_iter().flatten().map(|tool| &tool["scope"]).collect();
        assert_eq!(scopes, ["user:ann", "all", "{{$userId}}"]);
    }
}
