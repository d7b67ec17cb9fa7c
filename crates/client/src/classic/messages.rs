//! Messages of one thread.

use std::sync::Arc;

use cupola_wire::{
    Extra, Metadata,
    classic::{
        ContentBlock, CreateMessage, Deleted, ListQuery, Message, MessageInput, Page, Role, UpdateMetadata,
    },
};

use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// The messages of one thread.
#[derive(Clone, Debug)]
pub struct Messages {
    service: Arc<Service>,
    thread_id: String,
}

/// Which messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageQuery {
    /// Only those that this run wrote.
    pub run_id: Option<String>,
    /// Which page.
    pub page: ListQuery,
}

impl MessageQuery {
    /// The messages that one run wrote.
    pub fn of_run(run_id: impl Into<String>) -> Self {
        Self { run_id: Some(run_id.into()), page: ListQuery::default() }
    }
}

impl From<ListQuery> for MessageQuery {
    fn from(page: ListQuery) -> Self {
        Self { run_id: None, page }
    }
}

impl Messages {
    pub(crate) fn new(service: Arc<Service>, thread_id: String) -> Self {
        Self { service, thread_id }
    }

    /// Adds a message.
    pub async fn create(&self, message: &CreateMessage) -> Result<Message> {
        self.service.post(&self.path(), message).await
    }

    /// One message.
    pub async fn get(&self, message_id: &str) -> Result<Message> {
        self.service.get(&self.one(message_id), Query::new()).await
    }

    /// The messages that the query asks for; newest first, where it does not say otherwise.
    pub fn list(&self, query: impl Into<MessageQuery>) -> ItemStream<Message> {
        let MessageQuery { run_id, page } = query.into();
        self.all(run_id).items(page)
    }

    /// One page of the messages.
    pub async fn list_page(&self, query: &MessageQuery) -> Result<Page<Message>> {
        self.all(query.run_id.clone()).page(&query.page).await
    }

    /// Changes a message's metadata.
    pub async fn update(&self, message_id: &str, metadata: Metadata) -> Result<Message> {
        self.service.post(&self.one(message_id), &UpdateMetadata { metadata: Some(metadata) }).await
    }

    /// Deletes a message.
    pub async fn delete(&self, message_id: &str) -> Result<Deleted> {
        self.service.delete(&self.one(message_id)).await
    }

    fn path(&self) -> [&str; 3] {
        ["threads", &self.thread_id, "messages"]
    }

    fn one<'a>(&'a self, message_id: &'a str) -> [&'a str; 4] {
        ["threads", &self.thread_id, "messages", message_id]
    }

    fn all(&self, run_id: Option<String>) -> List {
        List::new(&self.service, &self.path()).filtered("run_id", run_id)
    }
}

/// A message from the user.
pub fn user_message(text: impl Into<String>) -> CreateMessage {
    message(Role::User, text.into())
}

/// A message as if from the agent, for example from an earlier conversation.
pub fn assistant_message(text: impl Into<String>) -> CreateMessage {
    message(Role::Assistant, text.into())
}

fn message(role: Role, text: String) -> CreateMessage {
    let content = MessageInput::Text(text);
    CreateMessage { role, content, attachments: None, metadata: None, extra: Extra::new() }
}

/// The text of a message: its text blocks, one after the other.
pub fn text_of(message: &Message) -> String {
    let texts: Vec<&str> = message
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text(block) => Some(block.text.value.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n")
}
