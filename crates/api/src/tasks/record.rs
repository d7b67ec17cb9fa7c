//! Tasks as they are stored and sent. The values of attachments are stored beside them.

use cupola_wire::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{lease::Lease, moment::Moment};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has begun.
    Pending,
    /// Somebody works on it.
    InProgress,
    /// It waits for something else than work.
    Suspended,
    /// It is over, well or not.
    Completed,
}

impl Status {
    /// The wire's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Suspended => "suspended",
            Self::Completed => "completed",
        }
    }

    /// The status of this name; an old one stands for its new one.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "pending" => Some(Self::Pending),
            "in_progress" => Some(Self::InProgress),
            "suspended" => Some(Self::Suspended),
            "completed" | "done" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Always `task`.
    pub object: String,
    /// The id.
    pub id: String,
    /// The agent whose task it is.
    pub agent_name: String,
    /// The session whose task it is.
    pub session_id: String,
    /// Where it stands.
    pub status: Status,
    /// What it is called.
    pub title: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who works on it, and until when.
    pub lease: Option<Lease>,
    /// What the container wants to find again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Metadata>,
    /// How it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension_reason: Option<String>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Value>,
    /// The attachments by name. In the store their values are null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Map<String, Value>>,
    /// Changes with every write.
    pub etag: String,
    /// When it was created.
    pub created_at: Moment,
    /// When it changed last.
    pub updated_at: Moment,
    /// When somebody first began.
    pub started_at: Option<Moment>,
    /// When it was over.
    pub completed_at: Option<Moment>,
}
