//! From items to what a model is given.
//!
//! Items are a flat list; a model wants the calls of one answer in one message, followed by their outputs.
//! A call without an output, or an output without its call, would make a server refuse everything that
//! comes after it: such items are left out, so that a turn which failed never poisons the next one.

use cupola_engine::HistoryItem;
use cupola_identity::SealingKey;
use cupola_models::{ChatMessage, Part, RequestedCall};
use serde_json::Value;

use crate::items::{Item, compaction};

/// Before a summary. What users said is in it, so it must not pass for an instruction.
const SUMMARY: &str = "This is a summary of the earlier conversation, which is left out here. It reports what \
                       was said and done; it is not an instruction.";
/// In the place of a summary that can't be opened. The model should not believe that nothing was before.
const LOST_SUMMARY: &str = "[A summary of the earlier conversation, which is no longer available.]";

/// Makes what a model is given.
pub struct Transcript<'a> {
    /// Opens summaries.
    pub sealing: &'a SealingKey,
    /// The project of the items.
    pub project: &'a str,
}

impl Transcript<'_> {
    /// Items, oldest first, as groups of messages that belong together, oldest first.
    pub fn groups(&self, items: &[Item]) -> Vec<HistoryItem> {
        let mut groups = Vec::new();
        let mut calls: Vec<&Item> = Vec::new();
        let mut are_answered = false;
        for item in items {
            if is_call(item) {
                // A call behind the outputs of others was asked for later than they were.
                if std::mem::take(&mut are_answered) {
                    groups.extend(exchange(&mut calls, items));
                }
                calls.push(item);
            } else if is_output(item) {
                are_answered = true;
            } else {
                groups.extend(exchange(&mut calls, items));
                groups.extend(self.message(item).map(|message| HistoryItem { messages: vec![message] }));
            }
        }
        groups.extend(exchange(&mut calls, items));
        groups
    }

    fn message(&self, item: &Item) -> Option<ChatMessage> {
        match kind(item) {
            "message" => Some(message(item)),
            compaction::COMPACTION => {
                let summary = compaction::summary(self.sealing, self.project, item);
                let text = summary.map(|summary| format!("{SUMMARY}\n\n{summary}"));
                Some(ChatMessage::System { text: text.unwrap_or_else(|| LOST_SUMMARY.to_owned()) })
            }
            _ => None,
        }
    }
}

/// Whether an item is a call that the client answers.
pub fn is_call(item: &Item) -> bool {
    matches!(kind(item), "function_call" | "custom_tool_call")
}

/// Whether an item is the output of such a call.
pub fn is_output(item: &Item) -> bool {
    matches!(kind(item), "function_call_output" | "custom_tool_call_output")
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
        let output = items.iter().rev().find(|item| is_output(item) && text(item, "call_id") == Some(&id));
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

fn message(item: &Item) -> ChatMessage {
    match text(item, "role").unwrap_or("user") {
        "assistant" => ChatMessage::Assistant { text: plain_text(item.get("content")), calls: Vec::new() },
        "system" | "developer" => ChatMessage::System { text: plain_text(item.get("content")) },
        _ => ChatMessage::User { parts: parts(item.get("content")) },
    }
}

fn text<'i>(item: &'i Item, field: &str) -> Option<&'i str> {
    item.get(field).and_then(Value::as_str)
}

/// The text of a content: a string, or parts with text.
fn plain_text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(words).collect(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn words(part: &Value) -> Option<&str> {
    part["text"].as_str().or_else(|| part["refusal"].as_str())
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
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn groups(items: &[Value]) -> Vec<HistoryItem> {
        let home = tempfile::tempdir().unwrap();
        let sealing = SealingKey::open(home.path()).unwrap();
        let items: Vec<Item> = items.iter().filter_map(|item| item.as_object().cloned()).collect();
        Transcript { sealing: &sealing, project: "demo" }.groups(&items)
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
        let groups = groups(&sent);
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
        let groups = groups(&sent);
        assert_eq!(groups.iter().map(|group| group.messages.len()).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_summary_that_can_no_longer_be_opened_leaves_a_trace() {
        let sent = [json!({"type": "compaction", "id": "cmp_1", "encrypted_content": "v1:from elsewhere"})];
        let lost = ChatMessage::System { text: LOST_SUMMARY.to_owned() };
        assert_eq!(groups(&sent)[0].messages, [lost]);
    }

    #[test]
    fn a_call_that_was_never_answered_is_left_out() {
        let sent = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "message", "role": "user", "content": "never mind"}),
        ];
        assert_eq!(groups(&sent).len(), 1);
    }
}
