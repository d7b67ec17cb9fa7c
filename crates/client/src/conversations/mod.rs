//! Conversations and their items.

mod items;

use std::sync::Arc;

use cupola_wire::{
    Metadata,
    classic::{Deleted, ListQuery, Page},
    conversations::{Conversation, CreateConversation, UpdateConversation},
};

pub use self::items::{ItemQuery, Items};
use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// Conversations.
#[derive(Clone, Debug)]
pub struct Conversations {
    service: Arc<Service>,
}

/// Which conversations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConversationQuery {
    /// Only those in which this agent took part.
    pub agent_name: Option<String>,
    /// Only those in which this version took part: `NAME:VERSION`.
    pub agent_id: Option<String>,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for ConversationQuery {
    fn from(page: ListQuery) -> Self {
        Self { agent_name: None, agent_id: None, page }
    }
}

impl Conversations {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// Creates a conversation.
    pub async fn create(&self, conversation: &CreateConversation) -> Result<Conversation> {
        self.service.post(&["conversations"], conversation).await
    }

    /// One conversation.
    pub async fn get(&self, conversation_id: &str) -> Result<Conversation> {
        self.service.get(&["conversations", conversation_id], Query::new()).await
    }

    /// The conversations that the query asks for.
    pub fn list(&self, query: impl Into<ConversationQuery>) -> ItemStream<Conversation> {
        let query = query.into();
        self.all(&query).items(query.page)
    }

    /// One page of the conversations.
    pub async fn list_page(&self, query: &ConversationQuery) -> Result<Page<Conversation>> {
        self.all(query).page(&query.page).await
    }

    /// Changes a conversation's metadata: what was there before is replaced.
    pub async fn update(&self, conversation_id: &str, metadata: Metadata) -> Result<Conversation> {
        let body = UpdateConversation { metadata: Some(metadata) };
        self.service.post(&["conversations", conversation_id], &body).await
    }

    /// Deletes a conversation with its items.
    pub async fn delete(&self, conversation_id: &str) -> Result<Deleted> {
        self.service.delete(&["conversations", conversation_id]).await
    }

    /// The items of one conversation.
    pub fn items(&self, conversation_id: impl Into<String>) -> Items {
        Items::new(self.service.clone(), conversation_id.into())
    }

    fn all(&self, query: &ConversationQuery) -> List {
        List::new(&self.service, &["conversations"])
            .filtered("agent_name", query.agent_name.clone())
            .filtered("agent_id", query.agent_id.clone())
    }
}
