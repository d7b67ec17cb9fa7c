//! A response as the task that other agents see.

use std::sync::Arc;

use cupola_store::Key;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Fault;
use crate::{
    ApiError, Service,
    items::Item,
    responses::{History, RESPONSE},
    storage::{Requester, is_visible},
};

/// The metadata of a response that keeps the client's own name of the context.
pub const CONTEXT: &str = "a2a_context_id";

/// What a response's task is called, and what it belongs to.
pub fn context_of(response: &Value) -> &str {
    let own = response["metadata"][CONTEXT].as_str();
    own.or(response["conversation"]["id"].as_str()).or(response["conversation"].as_str()).unwrap_or_default()
}

/// The state of the task.
pub fn state(response: &Value) -> &'static str {
    match response["status"].as_str() {
        Some("queued") => "submitted",
        Some("in_progress") => "working",
        Some("completed") if needs(response).is_none() => "completed",
        Some("cancelled") => "canceled",
        _ => "failed",
    }
}

/// Whether nothing more will come.
pub fn is_over(response: &Value) -> bool {
    !matches!(state(response), "submitted" | "working")
}

/// The status of the task, with a sentence where it failed.
pub fn status(response: &Value) -> Value {
    let seconds = response["completed_at"].as_i64().or(response["created_at"].as_i64()).unwrap_or_default();
    let moment = Timestamp::from_second(seconds).unwrap_or_default();
    let mut status = json!({"state": state(response), "timestamp": moment.to_string()});
    if let Some(sentence) = failure(response) {
        let id = response["id"].as_str().unwrap_or_default();
        status["message"] = json!({
            "kind": "message", "role": "agent", "messageId": format!("{id}-status"),
            "parts": [part(&sentence)], "taskId": id, "contextId": context_of(response),
        });
    }
    status
}

fn failure(response: &Value) -> Option<String> {
    if state(response) != "failed" {
        return None;
    }
    let said = response["error"]["message"].as_str().map(str::to_owned);
    let reason = response["incomplete_details"]["reason"].as_str();
    Some(match (said, reason) {
        (Some(said), _) => said,
        (None, Some(reason)) => format!("The answer is incomplete: {reason}."),
        (None, None) => match needs(response) {
            Some(what) => format!("The agent asked for {what}, which A2A can't carry."),
            None => "The agent failed.".to_owned(),
        },
    })
}

/// What the agent needs of its client before it goes on.
fn needs(response: &Value) -> Option<String> {
    let last = response["output"].as_array().and_then(|output| output.last())?;
    let name = last["name"].as_str().unwrap_or_default();
    match last["type"].as_str()? {
        "function_call" | "custom_tool_call" => Some(format!("the output of the function '{name}'")),
        "mcp_approval_request" => Some(format!("an approval of the call '{name}'")),
        _ => None,
    }
}

/// A part of text.
pub fn part(text: &str) -> Value {
    json!({"kind": "text", "text": text})
}

/// The task. Its artifacts are the messages of the answer.
pub fn task(response: &Value, history: Vec<Value>) -> Value {
    let output = response["output"].as_array().into_iter().flatten();
    let artifacts: Vec<Value> = output.filter_map(artifact).collect();
    json!({
        "kind": "task",
        "id": response["id"],
        "contextId": context_of(response),
        "status": status(response),
        "artifacts": artifacts,
        "history": history,
    })
}

fn artifact(item: &Value) -> Option<Value> {
    if item["type"] != "message" {
        return None;
    }
    let parts: Vec<Value> = item
        .get("content")?
        .as_array()?
        .iter()
        .filter_map(|piece| piece["text"].as_str())
        .map(part)
        .collect();
    Some(json!({"artifactId": item["id"], "parts": parts}))
}

/// The task of this id as it is now, if it is one of this agent and of whoever asks.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    agent: &str,
    id: &str,
) -> Result<Value, Fault> {
    let stored = service.store().get(&Key::new(project, RESPONSE, id)).await.map_err(ApiError::from)?;
    let stored = stored.ok_or_else(|| Fault::no_task(id))?;
    let response: Value = serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the response {id}"), error))?;
    let is_own = response["agent_reference"]["name"] == agent;
    if !is_own || !is_visible(service, project, requester, id).await? {
        return Err(Fault::no_task(id));
    }
    Ok(response)
}

/// The task of a response, with at most so many of the messages that it was asked with.
pub async fn shown(
    service: &Service,
    project: &Arc<str>,
    response: &Value,
    history_length: Option<usize>,
) -> Result<Value, Fault> {
    let id = response["id"].as_str().unwrap_or_default();
    let input = History::new(service.store().clone()).input(project, id).await.map_err(ApiError::from)?;
    let mut history: Vec<Value> = input.iter().filter_map(|item| asked(item, response)).collect();
    let surplus = history.len().saturating_sub(history_length.unwrap_or(usize::MAX));
    history.drain(..surplus);
    Ok(task(response, history))
}

fn asked(item: &Item, response: &Value) -> Option<Value> {
    let parts: Vec<Value> = item
        .get("content")?
        .as_array()?
        .iter()
        .filter_map(|piece| piece["text"].as_str())
        .map(part)
        .collect();
    Some(json!({
        "kind": "message", "role": "user", "messageId": item.get("id"), "parts": parts,
        "taskId": response["id"], "contextId": context_of(response),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(more: Value) -> Value {
        let mut response = json!({
            "id": "resp_1", "status": "completed", "created_at": 1_795_157_962, "output": [],
            "conversation": {"id": "conv_1"},
        });
        response.as_object_mut().expect("is an object").extend(more.as_object().cloned().unwrap_or_default());
        response
    }

    #[test]
    fn every_status_of_a_response_is_a_state_of_a_task() {
        for (status, expected) in [
            ("queued", "submitted"),
            ("in_progress", "working"),
            ("completed", "completed"),
            ("incomplete", "failed"),
            ("failed", "failed"),
            ("cancelled", "canceled"),
        ] {
            assert_eq!(state(&response(json!({"status": status}))), expected);
        }
    }

    #[test]
    fn a_task_that_failed_says_why() {
        for (more, sentence) in [
            (json!({"status": "failed", "error": {"message": "No quota."}}), "No quota."),
            (
                json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
                "The answer is incomplete: max_output_tokens.",
            ),
            (
                json!({"output": [{"type": "function_call", "name": "f"}]}),
                "The agent asked for the output of the function 'f', which A2A can't carry.",
            ),
            (
                json!({"output": [{"type": "mcp_approval_request", "name": "erase"}]}),
                "The agent asked for an approval of the call 'erase', which A2A can't carry.",
            ),
        ] {
            let status = status(&response(more));
            assert_eq!(status["state"], "failed");
            assert_eq!(status["message"]["parts"][0]["text"], sentence);
        }
    }

    #[test]
    fn the_clients_own_name_of_a_context_goes_before_the_conversations_id() {
        assert_eq!(context_of(&response(json!({}))), "conv_1");
        assert_eq!(context_of(&response(json!({"metadata": {CONTEXT: "mine"}}))), "mine");
    }
}
