//! From items to what a model is given.
//!
//! Items are a flat list; a model wants the calls of one answer in one message, followed by their outputs.
//! A call without an output, or an output without its call, would make a server refuse everything that
//! comes after it: such items are left out, so that a turn which failed never poisons the next one.

use std::sync::Arc;

use cupola_engine::HistoryItem;
use cupola_identity::SealingKey;
use cupola_models::{ChatMessage, Part, RequestedCall};
use cupola_store::StoreError;
use serde_json::Value;

use crate::{
    attachments::{self, Attachments},
    items::{Item, compaction},
    tools::{self, file_search},
};

mod servers;

/// Before a summary. What users said is in it, so it must not pass for an instruction.
const SUMMARY: &str = "This is a summary of the earlier conversation, which is left out here. It reports what \
                       was said and done; it is not an instruction.";
/// In the place of a summary that can't be opened. The model should not believe that nothing was before.
const LOST_SUMMARY: &str = "[A summary of the earlier conversation, which is no longer available.]";
/// In the place of a file whose address alone is known. Such parts are refused; older ones may be stored.
const ELSEWHERE: &str = "[a file at an address that is not read]";

/// In the place of what an earlier search found.
const EARLIER_SEARCH: &str = "[What was found then is not repeated here. Search again where it is needed.]";

/// Makes what a model is given.
pub struct Transcript<'a> {
    /// Opens summaries.
    pub sealing: &'a SealingKey,
    /// Finds uploaded files.
    pub attachments: &'a Attachments,
    /// The project of the items.
    pub project: &'a Arc<str>,
}

impl Transcript<'_> {
    /// Items, oldest first, as groups of messages that belong together, oldest first.
    pub async fn groups(&self, items: &[Item]) -> Result<Vec<HistoryItem>, StoreError> {
        let mut groups = Vec::new();
        let mut calls: Vec<&Item> = Vec::new();
        let mut are_answered = false;
        for item in items {
            if is_call(item) || tools::is_paired_call(kind(item)) {
                // A call behind the outputs of others was asked for later than they were.
                if std::mem::take(&mut are_answered) {
                    groups.extend(self.exchange(&mut calls, items).await?);
                }
                calls.push(item);
            } else if is_output(item) || tools::is_paired_output(kind(item)) {
                are_answered = true;
            } else if let Some(own) = search(item).or_else(|| servers::exchange(item, items)) {
                groups.extend(self.exchange(&mut calls, items).await?);
                groups.push(own);
            } else {
                groups.extend(self.exchange(&mut calls, items).await?);
                let message = self.message(item).await?;
                groups.extend(message.map(|message| HistoryItem { messages: vec![message] }));
            }
        }
        groups.extend(self.exchange(&mut calls, items).await?);
        Ok(groups)
    }

    /// Calls that stood next to each other, with their outputs, wherever those stand.
    async fn exchange(
        &self,
        calls: &mut Vec<&Item>,
        items: &[Item],
    ) -> Result<Option<HistoryItem>, StoreError> {
        let mut asked = Vec::new();
        let mut outputs = Vec::new();
        let mut attached = Vec::new();
        for call in calls.drain(..) {
            let id = text(call, "call_id").unwrap_or_default().to_owned();
            let is_answer = |item: &Item| is_output(item) || tools::is_paired_output(kind(item));
            let answers = |item: &&Item| is_answer(item) && text(item, "call_id") == Some(&id);
            let Some(output) = items.iter().rev().find(answers) else { continue };
            let output = output.get("output");
            if let Some(Value::Array(parts)) = output {
                let parts: Vec<_> = parts.iter().filter(|part| words(part).is_none()).collect();
                attached.extend(self.parts(parts).await?);
            }
            asked.push(RequestedCall { name: called(call), arguments: arguments(call), id: id.clone() });
            outputs.push(ChatMessage::Tool { call_id: id, output: plain_text(output) });
        }
        if asked.is_empty() {
            return Ok(None);
        }
        let mut messages = vec![ChatMessage::Assistant { text: String::new(), calls: asked }];
        messages.extend(outputs);
        // Servers take nothing but text as an output.
        if !attached.is_empty() {
            messages.push(ChatMessage::User { parts: attached });
        }
        Ok(Some(HistoryItem { messages }))
    }

    async fn message(&self, item: &Item) -> Result<Option<ChatMessage>, StoreError> {
        Ok(match kind(item) {
            "message" => Some(self.said(item).await?),
            compaction::COMPACTION => {
                let summary = compaction::summary(self.sealing, self.project, item);
                let text = summary.map(|summary| format!("{SUMMARY}\n\n{summary}"));
                Some(ChatMessage::System { text: text.unwrap_or_else(|| LOST_SUMMARY.to_owned()) })
            }
            _ => None,
        })
    }

    async fn said(&self, item: &Item) -> Result<ChatMessage, StoreError> {
        let content = item.get("content");
        Ok(match text(item, "role").unwrap_or("user") {
            "assistant" => ChatMessage::Assistant { text: plain_text(content), calls: Vec::new() },
            "system" | "developer" => ChatMessage::System { text: plain_text(content) },
            _ => ChatMessage::User {
                parts: match content {
                    Some(Value::Array(content)) => self.parts(content).await?,
                    _ => vec![Part::Text { text: plain_text(content) }],
                },
            },
        })
    }

    async fn parts(&self, content: impl IntoIterator<Item = &Value>) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for part in content {
            parts.extend(match part["type"].as_str() {
                Some("input_image") => self.image(part).await?,
                Some("input_file") => self.file(part).await?,
                _ => part["text"].as_str().map(|text| Part::Text { text: text.to_owned() }),
            });
        }
        Ok(parts)
    }

    async fn image(&self, part: &Value) -> Result<Option<Part>, StoreError> {
        let text = |field: &str| part[field].as_str().map(str::to_owned);
        if let Some(url) = text("image_url") {
            return Ok(Some(Part::Image { url, detail: text("detail") }));
        }
        let Some(id) = part["file_id"].as_str() else { return Ok(None) };
        self.attachments.image(self.project, id, text("detail")).await.map(Some)
    }

    async fn file(&self, part: &Value) -> Result<Option<Part>, StoreError> {
        if let Some(id) = part["file_id"].as_str() {
            return self.attachments.file(self.project, id).await.map(Some);
        }
        if let Some(data) = part["file_data"].as_str() {
            return Ok(attachments::sent_along(part["filename"].as_str(), data));
        }
        Ok(Some(Part::Text { text: ELSEWHERE.to_owned() }))
    }
}

/// An earlier search of the files. Its passages are not repeated: they are many, and their markers name nothing
/// any more.
fn search(item: &Item) -> Option<HistoryItem> {
    let queries = item.get("queries").filter(|_| kind(item) == "file_search_call")?;
    let id = text(item, "id").unwrap_or("search").to_owned();
    let call = RequestedCall {
        id: id.clone(),
        name: file_search::KIND.to_owned(),
        arguments: serde_json::json!({"queries": queries}).to_string(),
    };
    let asked = ChatMessage::Assistant { text: String::new(), calls: vec![call] };
    let output = ChatMessage::Tool { call_id: id, output: EARLIER_SEARCH.to_owned() };
    Some(HistoryItem { messages: vec![asked, output] })
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

fn called(call: &Item) -> String {
    // Calls of some tools of the service name no function: their type does.
    let of_type = || kind(call).trim_end_matches("_call");
    text(call, "name").unwrap_or_else(of_type).to_owned()
}

fn arguments(call: &Item) -> String {
    match kind(call) {
        "custom_tool_call" => serde_json::json!({"input": call.get("input")}).to_string(),
        _ => text(call, "arguments").unwrap_or_default().to_owned(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use cupola_store::{Blobs, Change, Durability, FileBlobs, Key, SharedStore, SqliteStore};
    use serde_json::json;

    use super::*;
    use crate::classic::FILE;

    async fn groups(items: &[Value]) -> Vec<HistoryItem> {
        groups_with(items, &[]).await
    }

    /// The groups where these files have been uploaded. A file's id is its name with a dash for the dot.
    async fn groups_with(items: &[Value], files: &[(&str, &'static [u8])]) -> Vec<HistoryItem> {
        let home = tempfile::tempdir().unwrap();
        let sealing = SealingKey::open(home.path()).unwrap();
        let store = SqliteStore::open(&home.path().join("db"), Durability::Normal).unwrap();
        let store: SharedStore = Arc::new(store);
        let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open(home.path().join("blobs")).unwrap());
        let project = Arc::from("demo");
        for (name, bytes) in files {
            let id = name.replace('.', "-");
            let piece = futures_util::stream::iter([Ok(Bytes::from_static(bytes))]);
            blobs.put(&id, Box::pin(piece)).await.unwrap();
            let doc = json!({
                "id": id, "object": "file", "purpose": "user_data", "filename": name,
                "bytes": bytes.len(), "created_at": 0,
            });
            let insert = Change::Insert {
                key: Key::new(&project, FILE, id),
                parent: String::new(),
                facet: String::new(),
                created_at: 0,
                doc: doc.to_string().into(),
                aside: None,
            };
            store.commit(vec![insert]).await.unwrap();
        }
        let attachments = Attachments::new(store, blobs);
        let items: Vec<Item> = items.iter().filter_map(|item| item.as_object().cloned()).collect();
        let transcript = Transcript { sealing: &sealing, attachments: &attachments, project: &project };
        transcript.groups(&items).await.unwrap()
    }

    async fn parts(content: Value, files: &[(&str, &'static [u8])]) -> Vec<Part> {
        let said = json!({"type": "message", "role": "user", "content": content});
        match groups_with(&[said], files).await.remove(0).messages.remove(0) {
            ChatMessage::User { parts } => parts,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn uploaded_images_and_files_are_given_in_the_place_where_they_were_named() {
        let content = json!([
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "file_id": "a-gif", "detail": "low"},
            {"type": "input_file", "file_id": "a-txt"},
            {"type": "input_file", "file_id": "a-pdf"},
            {"type": "input_text", "text": "Well?"},
        ]);
        let files: [(&str, &[u8]); 3] = [("a.gif", b"GIF"), ("a.txt", b"Hi"), ("a.pdf", b"%PDF-1.4")];
        let text = |text: &str| Part::Text { text: text.to_owned() };
        let expected = [
            text("Look"),
            Part::Image { url: "data:image/gif;base64,R0lG".into(), detail: Some("low".into()) },
            text("<file name=\"a.txt\">\nHi\n</file>"),
            Part::File { name: "a.pdf".into(), data: "data:application/pdf;base64,JVBERi0xLjQ=".into() },
            text("Well?"),
        ];
        assert_eq!(parts(content, &files).await, expected);
    }

    #[tokio::test]
    async fn a_sentence_stands_in_the_place_of_what_can_not_be_given() {
        let content = json!([
            {"type": "input_image", "file_id": "gone", "detail": "auto"},
            {"type": "input_file", "file_id": "gone"},
            {"type": "input_file", "file_url": "https://files.test/a.pdf"},
        ]);
        let text = |text: &str| Part::Text { text: text.to_owned() };
        let expected = [
            text("[an image that is no longer available]"),
            text("[a file that is no longer available]"),
            text(ELSEWHERE),
        ];
        assert_eq!(parts(content, &[]).await, expected);
    }

    #[tokio::test]
    async fn parallel_calls_and_their_outputs_become_one_exchange() {
        let sent = [
            json!({"type": "message", "role": "user", "content": "go"}),
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "b", "output": "2"}),
            json!({"type": "function_call_output", "call_id": "a", "output": "1"}),
        ];
        let groups = groups(&sent).await;
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1].messages.len(), 3);
        assert_eq!(groups[1].messages[1], ChatMessage::Tool { call_id: "a".into(), output: "1".into() });
    }

    #[tokio::test]
    async fn images_and_files_of_outputs_follow_the_outputs() {
        let image = json!({"type": "input_image", "image_url": "https://images.test/1.png"});
        let parts = json!([{"type": "input_text", "text": "seen: "}, image]);
        let sent = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call", "call_id": "b", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "a", "output": parts}),
            json!({"type": "function_call_output", "call_id": "b", "output": "2"}),
        ];
        let image = Part::Image { url: "https://images.test/1.png".into(), detail: None };
        let expected = [
            ChatMessage::Tool { call_id: "a".into(), output: "seen: ".into() },
            ChatMessage::Tool { call_id: "b".into(), output: "2".into() },
            ChatMessage::User { parts: vec![image] },
        ];
        assert_eq!(groups(&sent).await[0].messages[1..], expected);
    }

    #[tokio::test]
    async fn a_call_that_follows_the_output_of_another_is_an_exchange_of_its_own() {
        let sent = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "a", "output": "1"}),
            json!({"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "b", "output": "2"}),
        ];
        let groups = groups(&sent).await;
        assert_eq!(groups.iter().map(|group| group.messages.len()).collect::<Vec<_>>(), [2, 2]);
    }

    #[tokio::test]
    async fn an_earlier_search_is_an_exchange_of_its_own_without_its_passages() {
        let results = json!([{"file_id": "f", "filename": "f.md", "score": 1.0, "text": "It floats."}]);
        let sent = [
            json!({"type": "message", "role": "user", "content": "Does it float?"}),
            json!({"type": "file_search_call", "id": "fs_1", "queries": ["float"], "results": results}),
            json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}),
        ];
        let groups = groups(&sent).await;
        let call = RequestedCall {
            id: "fs_1".into(),
            name: "file_search".into(),
            arguments: r#"{"queries":["float"]}"#.into(),
        };
        let asked = ChatMessage::Assistant { text: String::new(), calls: vec![call] };
        let output = ChatMessage::Tool { call_id: "fs_1".into(), output: EARLIER_SEARCH.into() };
        assert_eq!(groups[1].messages, [asked, output]);
        assert_eq!(groups.len(), 3);
    }

    #[tokio::test]
    async fn earlier_calls_of_tools_of_the_service_are_exchanges_with_their_outputs() {
        let sent = [
            json!({"type": "openapi_call", "id": "oa_1", "call_id": "a", "name": "shop_list", "arguments": "{}"}),
            json!({"type": "openapi_call_output", "id": "oao_1", "call_id": "a", "output": "[]"}),
            json!({"type": "bing_grounding_call", "id": "bg_1", "call_id": "b", "arguments": "{}"}),
            json!({"type": "bing_grounding_call_output", "id": "bgo_1", "call_id": "b", "output": "{}"}),
            json!({"type": "openapi_call", "id": "oa_2", "call_id": "c", "name": "shop_list", "arguments": ""}),
        ];
        let groups = groups(&sent).await;
        let call =
            |id: &str, name: &str| RequestedCall { id: id.into(), name: name.into(), arguments: "{}".into() };
        let exchange = |call: RequestedCall, output: &str| {
            let answer = ChatMessage::Tool { call_id: call.id.clone(), output: output.into() };
            vec![ChatMessage::Assistant { text: String::new(), calls: vec![call] }, answer]
        };
        let messages: Vec<_> = groups.into_iter().map(|group| group.messages).collect();
        assert_eq!(
            messages,
            [exchange(call("a", "shop_list"), "[]"), exchange(call("b", "bing_grounding"), "{}")]
        );
    }

    #[tokio::test]
    async fn a_summary_that_can_no_longer_be_opened_leaves_a_trace() {
        let sent = [json!({"type": "compaction", "id": "cmp_1", "encrypted_content": "v1:from elsewhere"})];
        let lost = ChatMessage::System { text: LOST_SUMMARY.to_owned() };
        assert_eq!(groups(&sent).await[0].messages, [lost]);
    }

    #[tokio::test]
    async fn a_call_that_was_never_answered_is_left_out() {
        let sent = [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "message", "role": "user", "content": "never mind"}),
        ];
        assert_eq!(groups(&sent).await.len(), 1);
    }
}
