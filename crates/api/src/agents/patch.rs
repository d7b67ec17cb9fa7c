//! Changes of how an agent is reached and introduces itself: a merge patch.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_wire::agents::AgentObject;
use serde_json::{Map, Value};

use super::{
    endpoint,
    kinds::{agent_key, find_version},
    record::{self, Record},
    selector,
};
use crate::{
    ApiError, Service,
    body::{Json, json, parse_value},
    path::{Ids, Project},
};

/// Fields that are not a client's to change.
const OWN: &[&str] = &["object", "id", "name", "state", "configuration_state", "versions"];

/// `PATCH /agents/{agent}`: what the body names is merged in, `null` removes.
pub async fn patch(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Json(mut changes): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    changes.retain(|field, _| !OWN.contains(&field.as_str()));
    require_versions(&service, &project, &name, &changes).await?;
    let record = record::change(&service, &agent_key(&project, &name), |record| {
        record.agent = merged(&record.agent, &changes)?;
        Ok(())
    })
    .await?;
    Ok(json(record.shown()))
}

fn merged(agent: &AgentObject, changes: &Map<String, Value>) -> Result<AgentObject, ApiError> {
    let mut fields =
        serde_json::to_value(agent).map_err(|error| ApiError::internal("writing an agent as JSON", error))?;
    merge(&mut fields, &Value::Object(changes.clone()));
    let agent: AgentObject = parse_value(fields)?;
    endpoint::check(agent.agent_endpoint.as_ref())?;
    Ok(agent)
}

/// A merge patch as RFC 7396 says: objects are merged, `null` removes, everything else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Traffic goes to versions that exist.
async fn require_versions(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    changes: &Map<String, Value>,
) -> Result<(), ApiError> {
    let agent = merged(&Record::new(name).agent, changes)?;
    for version in agent.agent_endpoint.iter().flat_map(selector::named) {
        find_version(service, project, name, version).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_merged_lists_replaced_and_null_removes() {
        let mut target = json!({"a": {"b": 1, "c": [1, 2]}, "d": 2});
        merge(&mut target, &json!({"a": {"c": [3], "e": {"f": null, "g": 4}}, "d": null}));
        assert_eq!(target, json!({"a": {"b": 1, "c": [3], "e": {"g": 4}}}));
    }
}
