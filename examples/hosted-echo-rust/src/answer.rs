//! The protocol `responses`: one JSON document, or the events of its making.

use std::env;

use serde_json::{Value, json};

use crate::http::{Request, Response};

/// Answers `POST /responses`.
pub fn respond(request: &Request) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else {
        return Response::bad_request("the body is not JSON");
    };
    let greeting = env::var("GREETING").unwrap_or_else(|_| "You said".to_owned());
    let text = format!("{greeting}: {}", said(&asked["input"]));
    println!("session {}: {text}", asked["agent_session_id"]);
    // The platform chooses the id, and knows the response by it.
    let begun = json!({
        "id": request.header("x-agent-response-id").unwrap_or("caresp_unknown"),
        "object": "response",
        "created_at": 0,
        "status": "in_progress",
        "agent_reference": asked["agent_reference"],
        "agent_session_id": asked["agent_session_id"],
        "output": [],
    });
    let message = message(&text);
    let mut ended = begun.clone();
    ended["status"] = "completed".into();
    ended["output"] = json!([message]);
    match asked["stream"].as_bool() {
        Some(true) => Response::of("text/event-stream", events(begun, &text, message, ended).into()),
        _ => Response::json(&ended.to_string()),
    }
}

/// The text of the last message: an input is a text, or a list of items.
fn said(input: &Value) -> String {
    let last = match input {
        Value::Array(items) => items.last().map_or(&Value::Null, |item| &item["content"]),
        text => text,
    };
    match last {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn message(text: &str) -> Value {
    let part = json!({"type": "output_text", "text": text, "annotations": []});
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]})
}

fn events(begun: Value, text: &str, message: Value, ended: Value) -> String {
    let mut events = vec![json!({"type": "response.created", "response": begun})];
    events.extend(text.split_inclusive(' ').map(|word| {
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
            "content_index": 0, "delta": word})
    }));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": message}));
    events.push(json!({"type": "response.completed", "response": ended}));
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = number.into();
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    });
    numbered.collect()
}
