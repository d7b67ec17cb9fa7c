//! From items to what a model is given.
//!
//! Items are a flat list; a model wants the calls of one answer in one message, followed by their outputs.
//! A call without an output, or an output without its call, would make a server refuse everything that
//! comes after it: such items are left out, so that a turn which failed never poisons the next one.

use cupola_engine::HistoryItem;
use cupola_models::{ChatMessage, Part, RequestedCall};
use serde_json::Value;

use crate::items::Item;

/// Items, oldest first, as groups of messages that belong together, oldest first.
pub fn groups(items: &[Item]) -> Vec<HistoryItem> {
    let mut groups = Vec::new();
    let mut calls: Vec<&Item> = Vec::new();
    let mut are_answered = false;
    for item in items {
        match kind(item) {
            "function_call" | "custom_tool_call" => {
                // A call behind the outputs of others was asked for later than they were.
                if std::mem::take(&mut are_answered) {
                    groups.extend(exchange(&mut calls, items));
                }
                calls.push(item);
            }
            "function_call_output" | "custom_tool_call_output" => are_answered = true,
            _ => {
                groups.extend(exchange(&mut calls, items));
                groups.extend(message(item).map(|message| HistoryItem { messages: vec![message] }));
            }
        }
    }
    groups.extend(exchange(&mut calls, items));
    groups
}

fn kind(item: &Item) -> &str {
    text(item, "type").unwrap_or("message")
}

/// Calls that stood next to each other, with their outputs, wherever those stand.
fn exchange(calls: &mut Vec<&Item>, items: &[Item]) -> Option<HistoryItem> {
    let mut asked = Vec::new();
    let mut outputs = Vec::new();
    for call in calls.drain(..) {
        let field = |name: &str| text(call, name).unwrap_or_default().to_owned();
        let id = field("call_id");
        let output = items.iter().rev().find(|item| {
            matches!(kind(item), "function_call_output" | "custom_tool_call_output")
                && text(item, "call_id") == Some(&id)
        });
        let Some(output) = output else { continue };
        let arguments = match kind(call) {
            "custom_tool_call" => serde_json::json!({"input": call.get("input")}).to_string(),
            _ => field("arguments"),
        };
        asked.push(RequestedCall { id: id.clone(), name: field("name"), arguments });
        outputs.push(ChatMessage::Tool { call_id: id, output: plain_text(output.get("output")) });
    }
    if asked.is_empty() {
        return None;
    }
    let mut messages = vec![ChatMessage::Assistant { text: String::new(), calls: asked }];
    messages.extend(outputs);
    Some(HistoryItem { messages })
}

fn message(item: &Item) -> Option<ChatMessage> {
    if kind(item) != "message" {
        return None;
    }
    Some(match text(item, "role").unwrap_or("user") {
        "assistant" => ChatMessage::Assistant { text: plain_text(item.get("content")), calls: Vec::new() },
        "system" | "developer" => ChatMessage::System { text: plain_text(item.get("content")) },
        _ => ChatMessage::User { parts: parts(item.get("content")) },
    })
}

fn text<'i>(item: &'i Item, field: &str) -> Option<&'i str> {
    item.get(field).and_then(Value::as_str)
}

/// The text of a content: a string, or parts with text.
fn plain_text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn parts(content: Option<&Value>) -> Vec<Part> {
    let Some(Value::Array(content)) = content else {
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

    fn items(items: &[Value]) -> Vec<Item> {
        items.iter().filter_map(|item| item.as_object().cloned()).collect()
    }

    #[test]
    fn parallel_calls_and_their_outputs_become_one_exchange() {
        let sent = [
            json!({"type": "message", "role": "user", "content": "go"}),
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "b", "output": "2"}),
            json!({"type": "function_call_output", "call_id": "a", "output": "1"}),
        ];
        let groups = super::groups(&super::tests::items(&sent));
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1].messages.len(), 3);
        assert_eq!(groups[1].messages[1], ChatMessage::Tool { call_id: "a".into(), output: "1".into() });
    }

    #[test]
    fn a_call_that_follows_the_output_of_another_is_an_exchange_of_its_own() {
        let sent = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "a", "output": "1"}),
            json!({"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "b", "output": "2"}),
        ];
        let groups = super::groups(&super::tests::items(&sent));
        assert_eq!(groups.iter().map(|group| group.messages.len()).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_call_that_was_never_answered_is_left_out() {
        let sent = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "message", "role": "user", "content": "never mind"}),
        ];
        assert_eq!(super::groups(&super::tests::items(&sent)).len(), 1);
    }
}
