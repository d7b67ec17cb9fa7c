//! Files of a store.

use serde::{Deserialize, Serialize};

use super::{Attributes, ChunkingChoice, ChunkingStrategy, DataSource, FileStatus};
use crate::{Extra, UnixSeconds};

/// A file of a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorStoreFile {
    /// The id of the file.
    pub id: String,
    /// Always `vector_store.file`.
    pub object: String,
    /// How much room its passages take. Not told in lists of batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_bytes: Option<u64>,
    /// When it was put into the store.
    pub created_at: UnixSeconds,
    /// The store.
    pub vector_store_id: String,
    /// How far it is.
    pub status: FileStatus,
    /// Why it could not be read.
    #[serde(default)]
    pub last_error: Option<FileError>,
    /// How it was cut. Not told in lists of batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunking_strategy: Option<ChunkingStrategy>,
    /// What the client says about it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileError {
    /// The reason, for programs.
    pub code: FileErrorCode,
    /// The reason, for people.
    pub message: String,
}

/// Why a file could not be read, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileErrorCode {
    /// The service failed; trying again may help.
    ServerError,
    /// The file is broken, empty, encrypted or too large.
    InvalidFile,
    /// Files of this kind are not read.
    UnsupportedFile,
}

/// The body that puts a file into a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateVectorStoreFile {
    /// An uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// A file that lies elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source: Option<DataSource>,
    /// What the client says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// How it is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunking_strategy: Option<ChunkingChoice>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CreateVectorStoreFile {
    /// An uploaded file.
    pub fn of(file_id: impl Into<String>) -> Self {
        Self { file_id: Some(file_id.into()), ..Self::default() }
    }
}

/// The body that replaces the attributes of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateVectorStoreFile {
    /// What the client says about it; `null` for nothing.
    pub attributes: Option<Attributes>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A part of what was read from a file, or of a passage that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// Always `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    pub text: String,
}

impl FileContent {
    /// A text.
    pub fn text(text: String) -> Self {
        Self { kind: "text".to_owned(), text }
    }
}
