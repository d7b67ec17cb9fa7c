//! The card of an agent: what other agents read before they talk to it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_wire::agents::AgentObject;
use serde_json::{Value, json};

use crate::{
    ApiError, Service, agents,
    body::answer,
    path::{Ids, Project},
    values::{Origin, escaped},
};

const PROTOCOL: &str = "a2a";
/// What a card says where the agent was given none.
const FIRST_VERSION: &str = "1.0.0";

/// `GET …/protocols/a2a/agentCard/v0.3`
pub async fn card(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
    Origin(origin): Origin,
) -> Result<Response, ApiError> {
    let agent = open(&service, &project, &agent).await?;
    Ok(answer(&card_of(&agent, &origin, &project)))
}

/// The agent of this name, if it speaks A2A.
pub async fn open(service: &Service, project: &Arc<str>, name: &str) -> Result<AgentObject, ApiError> {
    let (record, _) = agents::find_agent(service, &agents::agent_key(project, name)).await?;
    let agent = record.agent;
    if speaks_a2a(&agent) {
        return Ok(agent);
    }
    let message = format!(
        "The agent '{name}' does not speak A2A. PATCH it with an 'agent_card' and with \
         'agent_endpoint': {{\"protocols\": [\"responses\", \"a2a\"]}}."
    );
    Err(ApiError::not_found(message).code("not_found"))
}

fn speaks_a2a(agent: &AgentObject) -> bool {
    agent.agent_endpoint.as_ref().is_some_and(|endpoint| {
        let listed = endpoint.protocols.iter().flatten().any(|protocol| protocol == PROTOCOL);
        listed || endpoint.protocol_configuration.as_ref().is_some_and(|known| known.contains_key(PROTOCOL))
    })
}

/// The card of an agent that is reached at this origin.
pub fn card_of(agent: &AgentObject, origin: &str, project: &str) -> Value {
    let given = |field: &str| agent.agent_card.as_ref().and_then(|card| card.get(field)).cloned();
    let name = &agent.name;
    let url =
        format!("{origin}/api/projects/{}/agents/{}/endpoint/protocols/a2a", escaped(project), escaped(name));
    let mut skills = given("skills").unwrap_or_else(|| json!([]));
    for skill in skills.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        // Clients insist on these.
        skill.entry("description").or_insert_with(|| json!(""));
        skill.entry("tags").or_insert_with(|| json!([]));
    }
    json!({
        "protocolVersion": "0.3.0",
        "name": given("name").unwrap_or_else(|| json!(name)),
        "description": given("description").unwrap_or_else(|| json!("")),
        "version": given("version").unwrap_or_else(|| json!(FIRST_VERSION)),
        "url": url,
        "preferredTransport": "JSONRPC",
        "additionalInterfaces": [
            {"url": url, "transport": "JSONRPC"},
            {"url": url, "transport": "HTTP+JSON"},
        ],
        "capabilities": {"streaming": true, "pushNotifications": false, "stateTransitionHistory": false},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": skills,
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "security": [{"bearer": []}],
    })
}
