//! Conversations: what was said and done, as a list of items.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Extra, Metadata, UnixSeconds};

/// A conversation.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Conversation {
    /// `conv_…`.
    pub id: String,
    /// Always `conversation`.
    pub object: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that creates a conversation; it may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateConversation {
    /// Items to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Value>>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that changes a conversation: the pairs are replaced.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct UpdateConversation {
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Option<Metadata>,
}

/// The body that adds items.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateItems {
    /// The items, oldest first.
    pub items: Vec<Value>,
}
