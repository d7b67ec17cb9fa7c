//! Batches: many files put into a store at once.

use serde::{Deserialize, Serialize};

use super::{Attributes, ChunkingChoice, DataSource, FileCounts, FileStatus};
use crate::{Extra, UnixSeconds};

/// A batch of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorStoreFileBatch {
    /// `vsfb_…`.
    pub id: String,
    /// Always `vector_store.file_batch`.
    pub object: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// How far it is.
    pub status: FileStatus,
    /// The store.
    pub vector_store_id: String,
    /// How far its files are.
    pub file_counts: FileCounts,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that creates a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateFileBatch {
    /// Uploaded files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_ids: Option<Vec<String>>,
    /// Files that lie elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_sources: Option<Vec<DataSource>>,
    /// Uploaded files with attributes and sizes of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<BatchFile>>,
    /// What the client says about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// How all of them are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunking_strategy: Option<ChunkingChoice>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One file of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchFile {
    /// An uploaded file.
    pub file_id: String,
    /// What the client says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// How it is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunking_strategy: Option<ChunkingChoice>,
}
