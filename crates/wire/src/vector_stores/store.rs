//! The stores themselves.

use serde::{Deserialize, Serialize};

use super::{ChunkingChoice, FileCounts, StoreConfiguration};
use crate::{Extra, Metadata, UnixSeconds};

/// A vector store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorStore {
    /// `vs_…`.
    pub id: String,
    /// Always `vector_store`.
    pub object: String,
    /// What the client calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// What the client says that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How far it is.
    pub status: StoreStatus,
    /// How much room its passages take.
    pub usage_bytes: u64,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// How far its files are.
    pub file_counts: FileCounts,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// When it expires, as a rule.
    #[serde(default)]
    pub expires_after: Option<ExpiresAfter>,
    /// When it expires if nobody uses it.
    #[serde(default)]
    pub expires_at: Option<UnixSeconds>,
    /// When it was used last.
    #[serde(default)]
    pub last_active_at: Option<UnixSeconds>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How far a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreStatus {
    /// Nobody has used it for as long as its rule says.
    Expired,
    /// Some of its files are still to be read.
    InProgress,
    /// All of its files have been read, or could not be.
    Completed,
}

/// When a store expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiresAfter {
    /// From when the days count: `last_active_at`.
    pub anchor: String,
    /// How many days.
    pub days: i64,
}

/// The body that creates a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateVectorStore {
    /// What the client calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the client says that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Uploaded files to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_ids: Option<Vec<String>>,
    /// Other files to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<StoreConfiguration>,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<ExpiresAfter>,
    /// How the files are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunking_strategy: Option<ChunkingChoice>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CreateVectorStore {
    /// An empty store of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// The body that changes a store. What it does not name stays as it is; `null` takes a value away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateVectorStore {
    /// What the client calls it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub name: Option<Option<String>>,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub expires_after: Option<Option<ExpiresAfter>>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub metadata: Option<Option<Metadata>>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Tells a field that is `null` from one that is not there.
fn named<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
