//! Files that come with messages for the code interpreter: they belong to the thread from then on.

use std::sync::Arc;

use cupola_store::{Change, Conflict, StoreError};
use cupola_wire::classic::{Attachment, CreateMessage, Thread, ToolResources};
use serde_json::{Value, json};

use super::{
    kinds::{self, THREAD, thread_key},
    messages,
};
use crate::{ApiError, Service, tools::code_interpreter};

/// Files of messages that are meant for code.
#[derive(Debug, Default)]
pub struct CodeFiles(Vec<String>);

impl CodeFiles {
    /// The files of one message.
    pub fn of_message(attachments: Option<&[Attachment]>) -> Self {
        let is_meant = |tool: &Value| tool["type"] == code_interpreter::KIND;
        let meant = attachments.unwrap_or_default().iter().filter(|one| one.tools.iter().any(is_meant));
        Self(meant.filter_map(|attachment| attachment.file_id.clone()).collect())
    }

    /// The files of several messages.
    pub fn of_messages(messages: &[CreateMessage]) -> Self {
        let files = messages.iter().flat_map(|message| Self::of_message(message.attachments.as_deref()).0);
        Self(files.collect())
    }

    /// Names them in what the tools of a thread work on.
    pub fn add_to(&self, resources: &mut ToolResources) {
        if self.0.is_empty() {
            return;
        }
        let part = resources.entry(code_interpreter::KIND).or_insert_with(|| json!({}));
        let mut all: Vec<Value> = part["file_ids"].as_array().cloned().unwrap_or_default();
        for file in &self.0 {
            if !all.iter().any(|other| other == file) {
                all.push(json!(file));
            }
        }
        if let Value::Object(part) = part {
            part.insert("file_ids".to_owned(), Value::Array(all));
        }
    }

    /// The same of a thread that is there, under the conditions that its messages have.
    pub async fn put(&self, service: &Service, project: &Arc<str>, thread: &str) -> Result<(), ApiError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let key = thread_key(project, thread);
        let conditions = [Change::RequireFree { project: Arc::clone(project), name: thread.to_owned() }];
        let named = kinds::change_if(service, &key, &conditions, |thread: &mut Thread| {
            self.add_to(&mut thread.tool_resources);
        });
        named.await.map(drop).map_err(|error| match error {
            StoreError::Conflict(Conflict::Missing(_)) => kinds::not_found(THREAD, thread),
            error => messages::refusal(error),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_for_code_are_named_once_beside_those_of_the_thread() {
        let attachment = |file: &str, tool: &str| json!({"file_id": file, "tools": [{"type": tool}]});
        let attachments: Vec<Attachment> = serde_json::from_value(json!([
            attachment("a", "code_interpreter"),
            attachment("b", "file_search"),
            attachment("c", "code_interpreter"),
        ]))
        .unwrap();
        let mut resources = ToolResources::new();
        CodeFiles::of_message(None).add_to(&mut resources);
        assert!(resources.is_empty());
        resources.insert("code_interpreter".to_owned(), json!({"file_ids": ["c"]}));
        CodeFiles::of_message(Some(&attachments)).add_to(&mut resources);
        assert_eq!(resources["code_interpreter"]["file_ids"], json!(["c", "a"]));
    }
}
