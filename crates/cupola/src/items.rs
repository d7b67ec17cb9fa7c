//! Items of conversations and responses, as people read them.

use anstyle::Style;
use cupola_client::types::{ContentPart, Item, ItemContent, ItemRole, MessageItem};
use serde_json::Value;

use crate::{
    fields::Fields,
    terminal::{BOLD, DIM, GREEN, YELLOW},
};

/// Adds one item to what is shown as a conversation.
pub fn add_item(fields: &mut Fields, item: &Item) {
    let (style, label, text_style) = match item {
        Item::Message(message) => match message.role {
            ItemRole::User => (BOLD, "user", Style::new()),
            ItemRole::Assistant => (GREEN, "agent", Style::new()),
            _ => (DIM, message.role.as_str(), Style::new()),
        },
        Item::FunctionCall(_) | Item::CustomCall(_) | Item::McpApprovalRequest(_) => (YELLOW, "calls", DIM),
        Item::FunctionCallOutput(_) | Item::CustomCallOutput(_) => (BOLD, "output", DIM),
        Item::Reasoning(_) => (DIM, "thinks", DIM),
        _ => (DIM, item.kind(), DIM),
    };
    let text = in_words(item);
    fields.add_styled(style, label, if text.is_empty() { "(nothing)" } else { &text }, text_style);
}

/// What the item says.
pub fn in_words(item: &Item) -> String {
    match item {
        Item::Message(message) => said(message),
        Item::FunctionCall(call) => format!("{}({})", call.name, call.arguments),
        Item::CustomCall(call) => format!("{}({})", call.name, call.input),
        Item::FunctionCallOutput(output) => text_of(&output.output),
        Item::CustomCallOutput(output) => text_of(&output.output),
        Item::Reasoning(reasoning) => {
            let texts = reasoning.summary.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        Item::McpApprovalRequest(request) => {
            format!("{}: {}({}), if somebody agrees", request.server_label, request.name, request.arguments)
        }
        Item::McpApprovalResponse(response) => {
            if response.approve {
                "agreed".to_owned()
            } else {
                "not agreed".to_owned()
            }
        }
        Item::Other(fields) => other(fields),
    }
}

fn said(message: &MessageItem) -> String {
    match &message.content {
        ItemContent::Text(text) => text.clone(),
        ItemContent::Parts(parts) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
    }
}

fn part(part: &ContentPart) -> String {
    if let Some(text) = part.text() {
        return text.to_owned();
    }
    match part {
        ContentPart::Refusal(refusal) => format!("(refuses: {})", refusal.refusal),
        ContentPart::Other(fields) => {
            let place = ["file_id", "filename", "image_url"].into_iter();
            let mut place = place.filter_map(|name| fields.get(name).and_then(Value::as_str));
            match (part.kind().trim_start_matches("input_"), place.next()) {
                // An image inside the URL itself is no text for people.
                (kind, Some(place)) if !place.starts_with("data:") => format!("[{kind} {place}]"),
                (kind, _) => format!("[{kind}]"),
            }
        }
        other => format!("[{}]", other.kind()),
    }
}

fn other(fields: &cupola_client::types::Extra) -> String {
    let text = |name: &str| fields.get(name).map(text_of).filter(|text| !text.is_empty());
    match (text("name"), text("arguments"), text("output")) {
        (Some(name), arguments, Some(output)) => {
            format!("{name}({}): {output}", arguments.unwrap_or_default())
        }
        (Some(name), arguments, None) => format!("{name}({})", arguments.unwrap_or_default()),
        (None, arguments, output) => arguments.or(output).unwrap_or_default(),
    }
}

/// A text as it is; parts by their texts; anything else as JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(parts) if parts.iter().all(|part| part["text"].is_string()) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn words(item: Value) -> String {
        in_words(&serde_json::from_value(item).unwrap())
    }

    #[test]
    fn a_message_is_its_text_and_names_what_is_no_text() {
        let content = json!([
            {"type": "input_text", "text": "Look:"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
            {"type": "input_file", "file_id": "assistant-1"},
        ]);
        let item = json!({"type": "message", "role": "user", "content": content});
        assert_eq!(words(item), "Look:\n[image]\n[file assistant-1]");
    }

    #[test]
    fn calls_are_written_as_one_would_write_them() {
        let call = json!({"type": "function_call", "call_id": "c", "name": "get_time", "arguments": "{}"});
        assert_eq!(words(call), "get_time({})");
        let call = json!({"type": "mcp_call", "name": "search", "arguments": "{}", "output": "found"});
        assert_eq!(words(call), "search({}): found");
        let output = json!({"type": "function_call_output", "call_id": "c",
            "output": [{"type": "input_text", "text": "noon"}]});
        assert_eq!(words(output), "noon");
    }
}
