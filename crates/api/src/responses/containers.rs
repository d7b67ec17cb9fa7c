//! The containers in which code of a response runs: one that a client names has to be there, and any other belongs to
//! the conversation, or to the chain of responses.

use std::sync::Arc;

use cupola_store::Key;
use serde_json::{Value, json};

use super::kinds::RESPONSE;
use crate::{
    ApiError, Service,
    containers::memory_of,
    tools::code_interpreter::{self, auto, auto_id},
};

/// Names the container in every tool that runs code.
pub async fn name(
    service: &Service,
    project: &Arc<str>,
    response: &mut Value,
    conversation: Option<&str>,
    previous: Option<&str>,
) -> Result<(), ApiError> {
    let runs_code = |tool: &Value| tool["type"] == code_interpreter::KIND;
    if !response["tools"].as_array().is_some_and(|tools| tools.iter().any(runs_code)) {
        return Ok(());
    }
    let id = match (conversation, previous) {
        (Some(conversation), _) => auto_id(project, conversation),
        (None, Some(previous)) => match of_response(service, project, previous).await? {
            Some(id) => id,
            None => own(project, response),
        },
        (None, None) => own(project, response),
    };
    for (index, tool) in response["tools"].as_array_mut().into_iter().flatten().enumerate() {
        if !runs_code(tool) {
            continue;
        }
        match &tool["container"] {
            Value::String(named) if !named.is_empty() => {
                let found = service.containers().check_active(project, named).await;
                found.map_err(|fault| ApiError::from(fault).param(format!("tools[{index}].container")))?;
            }
            given => {
                check(service, project, index, given).await?;
                tool["container"] = auto(given, &id);
            }
        }
    }
    Ok(())
}

fn own(project: &str, response: &Value) -> String {
    auto_id(project, response["id"].as_str().unwrap_or_default())
}

/// The container of the response that this one follows.
async fn of_response(
    service: &Service,
    project: &Arc<str>,
    previous: &str,
) -> Result<Option<String>, ApiError> {
    let Some(found) = service.store().get(&Key::new(project, RESPONSE, previous)).await? else {
        return Ok(None);
    };
    let response: Value = serde_json::from_slice(&found.doc)
        .map_err(|error| ApiError::internal("reading the response that is followed", error))?;
    let mut ids = response["tools"].as_array().into_iter().flatten();
    Ok(ids.find_map(|tool| tool["container"]["id"].as_str()).map(str::to_owned))
}

/// Refuses what no container can be made of.
async fn check(service: &Service, project: &Arc<str>, tool: usize, given: &Value) -> Result<(), ApiError> {
    let param = |field: &str| format!("tools[{tool}].container.{field}");
    if let Some(limit) = given["memory_limit"].as_str().filter(|limit| memory_of(limit).is_none()) {
        let message = format!("Invalid value: '{limit}'. Supported values are: '1g', '4g', '16g' and '64g'.");
        return Err(ApiError::invalid(message).code("invalid_value").param(param("memory_limit")));
    }
    if given["network_policy"]["type"].as_str().is_some_and(|policy| policy != "disabled") {
        let message = "Code has no network in this version of Cupola. Leave 'network_policy' out.";
        return Err(ApiError::invalid(message).code("invalid_value").param(param("network_policy")));
    }
    for (index, file) in given["file_ids"].as_array().into_iter().flatten().enumerate() {
        let id = file.as_str().unwrap_or_default();
        let key = Key::new(project, crate::classic::FILE, id);
        if service.store().get(&key).await?.is_none() {
            let place = format!("{}[{index}]", param("file_ids"));
            return Err(ApiError::missing("File", &json!(file).to_string()).param(place));
        }
    }
    Ok(())
}
