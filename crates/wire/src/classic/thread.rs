//! Threads.

use serde::{Deserialize, Serialize};

use super::{CreateMessage, ToolResources};
use crate::{Extra, Metadata, UnixSeconds};

/// A conversation: a list of messages that runs read and extend.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Thread {
    /// `thread_…`.
    pub id: String,
    /// Always `thread`.
    pub object: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// What the tools work on in this thread.
    #[serde(default)]
    pub tool_resources: ToolResources,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that creates a thread; it may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateThread {
    /// Messages to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<CreateMessage>>,
    /// What the tools work on in this thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_resources: Option<ToolResources>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that changes a thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct UpdateThread {
    /// What the tools work on in this thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_resources: Option<ToolResources>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}
