//! From items to what a model is given.
//!
//! Items are a flat list; a model wants the calls of one answer in one message, followed by their outputs.
//! A call without an output, or an output without its call, would make a server refuse everything that
//! comes after it: such items are left out, so that a turn which failed never poisons the next one.

use cupola_engine::HistoryItem;
use cupola_models::{ChatMessage, Part, RequestedCall};
use serde_json::Value;

/// Items, oldest first, as groups of messages that belong together, oldest first.
pub fn groups(items: &[Value]) -> Vec<HistoryItem> {
    let mut groups = Vec::new();
    let mut calls: Vec<&Value> = Vec::new();
    for item in items {
        match kind(item) {
            "function_call" | "custom_tool_call" => calls.push(item),
            "function_call_output" | "custom_tool_call_output" => {}
            _ => {
                groups.extend(exchange(&mut calls, items));
                groups.extend(message(item).map(|message| HistoryItem { messages: vec![message] }));
            }
        }
    }
    groups.extend(exchange(&mut calls, items));
    groups
}

fn kind(item: &Value) -> &str {
    item["type"].as_str().unwrap_or("message")
}

/// Calls that stood next to each other, with their outputs, wherever those stand.
fn exchange(calls: &mut Vec<&Value>, items: &[Value]) -> Option<HistoryItem> {
    let mut asked = Vec::new();
    let mut outputs = Vec::new();
    for call in calls.drain(..) {
        let text = |field: &str| call[field].as_str().unwrap_or_default().to_owned();
        let id = text("call_id");
        let output = items.iter().rev().find(|item| {
            matches!(kind(item), "function_call_output" | "custom_tool_call_output") && item["call_id"] == id.as_str()
        });
        let Some(output) = output else { continue };
        let arguments = match kind(call) {
            "custom_tool_call" => serde_json::json!({"input": call["input"]}).to_string(),
            _ => text("arguments"),
        };
        asked.push(RequestedCall { id: id.clone(), name: text("name"), arguments });
        outputs.push(ChatMessage::Tool { call_id: id, output: plain_text(&output["output"]) });
    }
    if asked.is_empty() {
        return None;
    }
    let mut messages = vec![ChatMessage::Assistant { text: String::new(), calls: asked }];
    messages.extend(outputs);
    Some(HistoryItem { messages })
}

fn message(item: &Value) -> Option<ChatMessage> {
    if kind(item) != "message" {
        return None;
    }
    Some(match item["role"].as_str().unwrap_or("user") {
        "assistant" => ChatMessage::Assistant { text: plain_text(&item["content"]), calls: Vec::new() },
        "system" | "developer" => ChatMessage::System { text: plain_text(&item["content"]) },
        _ => ChatMessage::User { parts: parts(&item["content"]) },
    })
}

/// The text of a content: a string, or parts with text.
fn plain_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn parts(content: &Value) -> Vec<Part> {
    let Value::Array(content) = content else {
        return vec![Part::Text { text: plain_text(content) }];
    };
    content
        .iter()
        .filter_map(|part| match part["type"].as_str() {
            Some("input_image") => {
                let url = part["image_url"].as_str()?.to_owned();
                Some(Part::Image { url, detail: part["detail"].as_str().map(str::to_owned) })
            }
            _ => part["text"].as_str().map(|text| Part::Text { text: text.to_owned() }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parallel_calls_and_their_outputs_become_one_exchange() {
        let items = [
            json!({"type": "message", "role": "user", "content": "go"}),
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "b", "output": "2"}),
            json!({"type": "function_call_output", "call_id": "a", "output": "1"}),
        ];
        let groups = groups(&items);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1].messages.len(), 3);
        assert_eq!(groups[1].messages[1], ChatMessage::Tool { call_id: "a".into(), output: "1".into() });
    }

    #[test]
    fn a_call_that_was_never_answered_is_left_out() {
        let items = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "message", "role": "user", "content": "never mind"}),
        ];
        assert_eq!(groups(&items).len(), 1);
    }
}
