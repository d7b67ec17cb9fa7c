//! Stores, memories and updates as they are stored, and as they are sent.

use cupola_store::Resource;
use cupola_wire::Metadata;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::ApiError;

/// A store, as it is stored and sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Store {
    /// Always `memory_store`.
    pub object: String,
    /// `memstore_…`.
    pub id: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// The name, unique in the project.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// How memories are made and found.
    pub definition: Definition,
}

/// How memories are made and found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Definition {
    /// Always `default`.
    pub kind: String,
    /// The deployment that makes memories of what was said.
    pub chat_model: String,
    /// The deployment that turns them into vectors.
    pub embedding_model: String,
    /// What is remembered.
    #[serde(default)]
    pub options: Options,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// What is known of the user.
    #[serde(default = "yes")]
    pub user_profile_enabled: bool,
    /// What is of interest in that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_profile_details: Option<String>,
    /// What conversations were about.
    #[serde(default = "yes")]
    pub chat_summary_enabled: bool,
    /// How things are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedural_memory_enabled: Option<bool>,
    /// For how long a memory is kept after it was written; 0 for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_ttl_seconds: Option<u64>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn yes() -> bool {
    true
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_profile_enabled: true,
            user_profile_details: None,
            chat_summary_enabled: true,
            procedural_memory_enabled: None,
            default_ttl_seconds: None,
            extra: Map::new(),
        }
    }
}

/// What a memory is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// The user.
    UserProfile,
    /// A conversation.
    ChatSummary,
    /// How something is done.
    Procedural,
}

impl MemoryKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UserProfile, Self::ChatSummary, Self::Procedural];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserProfile => "user_profile",
            Self::ChatSummary => "chat_summary",
            Self::Procedural => "procedural",
        }
    }

    /// Whether a store makes memories of this kind.
    pub fn is_enabled(self, options: &Options) -> bool {
        match self {
            Self::UserProfile => options.user_profile_enabled,
            Self::ChatSummary => options.chat_summary_enabled,
            Self::Procedural => options.procedural_memory_enabled == Some(true),
        }
    }
}

/// A memory as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Its id.
    pub memory_id: String,
    /// Unix seconds.
    pub updated_at: i64,
    /// Whose it is.
    pub scope: String,
    /// What is remembered.
    pub content: String,
    /// What it is of.
    pub kind: MemoryKind,
    /// When it is forgotten, in unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// Its vector, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vector>,
}

/// A vector, and the model that made it. Those of different models are not compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// The deployment.
    pub model: String,
    /// Its numbers, little-endian, in base64.
    pub numbers: String,
}

impl Memory {
    /// The memory as it is sent.
    pub fn shown(&self) -> Value {
        json!({
            "memory_id": self.memory_id,
            "updated_at": self.updated_at,
            "scope": self.scope,
            "content": self.content,
            "kind": self.kind,
        })
    }

    /// Whether it is forgotten.
    pub fn has_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Where an update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits.
    Queued,
    /// It is being made.
    InProgress,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// Another one has taken its place.
    Superseded,
}

/// An update as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Update {
    /// Its id.
    pub update_id: String,
    /// Where it stands.
    pub status: Status,
    /// Its store.
    pub store: String,
    /// Whose memories it is about.
    pub scope: String,
    /// What was said.
    pub items: Vec<Value>,
    /// When it is due, in milliseconds.
    pub due: i64,
    /// Which one has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub error: Value,
}

impl Update {
    /// The update as it is sent.
    pub fn shown(&self) -> Value {
        let mut shown = json!({"update_id": self.update_id, "status": self.status});
        if let Some(by) = &self.superseded_by {
            shown["superseded_by"] = json!(by);
        }
        for (name, value) in [("result", &self.result), ("error", &self.error)] {
            if !value.is_null() {
                shown[name] = value.clone();
            }
        }
        shown
    }
}

/// Tokens that were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By embedding.
    pub embedding: u64,
    /// Given to the model.
    pub input: u64,
    /// Of those, what the upstream had cached.
    pub cached: u64,
    /// Written by the model.
    pub output: u64,
    /// Of those, thought.
    pub reasoning: u64,
}

impl Usage {
    /// As it is sent.
    pub fn shown(self) -> Value {
        let total = self.embedding.saturating_add(self.input).saturating_add(self.output);
        json!({
            "embedding_tokens": self.embedding,
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": 0},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": total,
        })
    }
}

/// What is stored.
pub fn read<T: DeserializeOwned>(stored: &Resource) -> Result<T, ApiError> {
    serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the memory {}", stored.id), error))
}
