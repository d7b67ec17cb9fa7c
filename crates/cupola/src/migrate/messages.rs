//! A message of a thread as an item of a conversation.

use std::collections::{BTreeMap, BTreeSet};

use cupola_client::types::{
    ContentBlock, ContentPart, Extra, Item, ItemContent, ItemRole, ItemStatus, Message, MessageItem,
    OutputText, PartText, Role, Text,
};
use serde_json::{Value, json};

use super::report::Losses;

/// The names of files by their ids: citations of the newer API show them.
pub type FileNames = BTreeMap<String, String>;

/// The files that the messages cite.
pub fn cited_files(messages: &[Message]) -> BTreeSet<String> {
    let blocks = messages.iter().flat_map(|message| &message.content);
    let annotations = blocks.flat_map(|block| match block {
        ContentBlock::Text(block) => block.text.annotations.as_slice(),
        _ => &[],
    });
    annotations
        .filter_map(|annotation| annotation["file_citation"]["file_id"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The uploaded images that the messages show.
pub fn shown_files(messages: &[Message]) -> BTreeSet<String> {
    let blocks = messages.iter().flat_map(|message| &message.content);
    blocks.filter_map(image_file).map(str::to_owned).collect()
}

/// The id of the image that a block shows, where it is uploaded.
pub fn image_file(block: &ContentBlock) -> Option<&str> {
    match block {
        ContentBlock::ImageFile(image) => Some(&image.image_file.file_id),
        _ => None,
    }
}

/// The item, or nothing where nothing of the message can stay.
pub fn item(message: &Message, files: &FileNames, losses: &mut Losses) -> Option<Item> {
    if !message.metadata.is_empty() {
        losses.note("messages.metadata", "items have no metadata");
    }
    for attachment in &message.attachments {
        let file = attachment.file_id.as_deref().unwrap_or("a file");
        losses.note(
            format!("messages.attachments {file}"),
            "messages give no files to tools; give them to the agent",
        );
    }
    let content: Vec<ContentPart> = message
        .content
        .iter()
        .filter_map(|block| match message.role {
            Role::User => said(block, losses),
            Role::Assistant => answered(block, files, losses),
        })
        .collect();
    if content.is_empty() {
        return None;
    }
    let role = match message.role {
        Role::User => ItemRole::User,
        Role::Assistant => ItemRole::Assistant,
    };
    let was_cut_short = message.status.as_deref() == Some("incomplete");
    Some(Item::Message(MessageItem {
        id: None,
        role,
        content: ItemContent::Parts(content),
        status: was_cut_short.then_some(ItemStatus::Incomplete),
        extra: Extra::new(),
    }))
}

/// A part of what the user said.
fn said(block: &ContentBlock, losses: &mut Losses) -> Option<ContentPart> {
    match block {
        ContentBlock::Text(block) => {
            if !block.text.annotations.is_empty() {
                losses.note("messages.annotations of the user", "only what an agent says has annotations");
            }
            Some(ContentPart::InputText(PartText { text: block.text.value.clone(), extra: Extra::new() }))
        }
        ContentBlock::ImageFile(image) => {
            let file = &image.image_file;
            Some(input_image("file_id", &file.file_id, file.detail.as_deref()))
        }
        ContentBlock::ImageUrl(image) => {
            let url = image.image_url.get("url").and_then(Value::as_str).unwrap_or_default();
            if !["https://", "http://", "data:"].iter().any(|scheme| url.starts_with(scheme)) {
                losses.note("messages.content image_url", "its address is neither http(s) nor data");
                return None;
            }
            Some(input_image("image_url", url, image.image_url.get("detail").and_then(Value::as_str)))
        }
        other => unknown(other, losses),
    }
}

fn input_image(field: &str, value: &str, detail: Option<&str>) -> ContentPart {
    let fields = [("type", "input_image"), (field, value), ("detail", detail.unwrap_or("auto"))];
    ContentPart::Other(fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect())
}

/// A part of what the agent answered.
fn answered(block: &ContentBlock, files: &FileNames, losses: &mut Losses) -> Option<ContentPart> {
    match block {
        ContentBlock::Text(block) => {
            let annotations = annotations(&block.text, files, losses);
            let text = block.text.value.clone();
            Some(ContentPart::OutputText(OutputText { text, annotations, extra: Extra::new() }))
        }
        ContentBlock::ImageFile(image) => {
            let what = format!("messages.content image {}", image.image_file.file_id);
            losses.note(what, "answers of the newer API hold text only; the file itself stays");
            None
        }
        ContentBlock::ImageUrl(_) => {
            losses.note("messages.content image_url of the agent", "answers of the newer API hold text only");
            None
        }
        other => unknown(other, losses),
    }
}

fn unknown(block: &ContentBlock, losses: &mut Losses) -> Option<ContentPart> {
    losses.note(format!("messages.content {}", block.kind()), "the newer API has no such part");
    None
}

fn annotations(text: &Text, files: &FileNames, losses: &mut Losses) -> Vec<Value> {
    text.annotations.iter().filter_map(|classic| annotation(classic, files, losses)).collect()
}

fn annotation(classic: &Value, files: &FileNames, losses: &mut Losses) -> Option<Value> {
    let kind = classic["type"].as_str().unwrap_or_default();
    let own = &classic[kind];
    let mut made = Extra::new();
    made.insert("type".to_owned(), json!(kind));
    match kind {
        "file_citation" => {
            let file = own["file_id"].as_str().unwrap_or_default();
            made.insert("index".to_owned(), classic["start_index"].clone());
            made.insert("file_id".to_owned(), json!(file));
            made.insert("filename".to_owned(), json!(files.get(file).map_or(file, String::as_str)));
            if own["quote"].as_str().is_some_and(|quote| !quote.is_empty()) {
                losses.note("messages.annotations quote", "citations of the newer API have no quote");
            }
        }
        "file_path" => {
            made.insert("index".to_owned(), classic["start_index"].clone());
            made.insert("file_id".to_owned(), own["file_id"].clone());
        }
        "url_citation" => {
            made.insert("start_index".to_owned(), classic["start_index"].clone());
            made.insert("end_index".to_owned(), classic["end_index"].clone());
            made.insert("url".to_owned(), own["url"].clone());
            made.insert("title".to_owned(), json!(own["title"].as_str().unwrap_or_default()));
        }
        other => {
            losses.note(format!("messages.annotations {other}"), "the newer API has no such annotation");
            return None;
        }
    }
    // A place that the source did not say is the beginning of the text.
    for value in made.values_mut().filter(|value| value.is_null()) {
        *value = json!(0);
    }
    Some(Value::Object(made))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn message(role: &str, fields: Value) -> Message {
        let mut message = json!({
            "id": "msg_1", "object": "thread.message", "created_at": 1, "assistant_id": null,
            "thread_id": "thread_1", "run_id": null, "role": role, "content": [],
        });
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(message).unwrap()
    }

    fn mapped(message: &Message) -> (Option<Value>, Vec<String>) {
        let mut losses = Losses::default();
        let files = [("assistant-1".to_owned(), "guide.md".to_owned())].into_iter().collect();
        let item = item(message, &files, &mut losses);
        let item = item.map(|item| serde_json::to_value(item).unwrap());
        (item, losses.iter().map(|loss| loss.what.clone()).collect())
    }

    #[test]
    fn what_the_user_said_keeps_its_text_and_its_images() {
        let (item, losses) = mapped(&message(
            "user",
            json!({"content": [
                {"type": "text", "text": {"value": "Look", "annotations": []}},
                {"type": "image_file", "image_file": {"file_id": "assistant-2", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
            ]}),
        ));
        assert_eq!(
            item.unwrap(),
            json!({"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "file_id": "assistant-2", "detail": "low"},
                {"type": "input_image", "image_url": "https://example.org/cat.png", "detail": "auto"},
            ]})
        );
        assert!(losses.is_empty());
    }

    #[test]
    fn citations_of_an_answer_lose_their_box_and_gain_the_file_name() {
        let annotations = json!([
            {"type": "file_citation", "text": "[1]", "start_index": 4, "end_index": 7,
                "file_citation": {"file_id": "assistant-1"}},
            {"type": "url_citation", "text": "[2]", "start_index": 8, "end_index": 11,
                "url_citation": {"url": "https://example.org", "title": "Example"}},
            {"type": "file_path", "text": "sandbox:/x", "start_index": 12, "end_index": 22,
                "file_path": {"file_id": "assistant-9"}},
        ]);
        let block = json!({"type": "text", "text": {"value": "Read", "annotations": annotations}});
        let message = message("assistant", json!({"content": [block], "status": "incomplete"}));
        assert_eq!(
            cited_files(std::slice::from_ref(&message)).into_iter().collect::<Vec<_>>(),
            ["assistant-1"]
        );
        let (item, losses) = mapped(&message);
        assert_eq!(
            item.unwrap(),
            json!({"type": "message", "role": "assistant", "status": "incomplete", "content": [
                {"type": "output_text", "text": "Read", "annotations": [
                    {"type": "file_citation", "index": 4, "file_id": "assistant-1", "filename": "guide.md"},
                    {"type": "url_citation", "start_index": 8, "end_index": 11, "url": "https://example.org",
                        "title": "Example"},
                    {"type": "file_path", "index": 12, "file_id": "assistant-9"},
                ]},
            ]})
        );
        assert!(losses.is_empty());
    }

    #[test]
    fn metadata_and_attachments_are_losses() {
        let (item, losses) = mapped(&message(
            "user",
            json!({
                "content": [{"type": "text", "text": {"value": "Hi", "annotations": []}}],
                "metadata": {"a": "b"},
                "attachments": [{"file_id": "assistant-3", "tools": [{"type": "file_search"}]}],
            }),
        ));
        assert!(item.is_some());
        assert_eq!(losses, ["messages.metadata", "messages.attachments assistant-3"]);
    }

    #[test]
    fn a_message_of_which_nothing_can_stay_makes_no_item() {
        let picture = json!({"type": "image_file", "image_file": {"file_id": "assistant-4"}});
        let (item, losses) = mapped(&message("assistant", json!({"content": [picture]})));
        assert_eq!((item, losses), (None, vec!["messages.content image assistant-4".to_owned()]));
        let local = json!({"type": "image_url", "image_url": {"url": "file:///cat.png"}});
        let (item, losses) = mapped(&message("user", json!({"content": [local]})));
        assert_eq!((item, losses), (None, vec!["messages.content image_url".to_owned()]));
    }
}
