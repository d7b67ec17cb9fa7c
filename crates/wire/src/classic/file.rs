//! Files.

use serde::{Deserialize, Serialize};

use crate::{Extra, UnixSeconds};

/// An uploaded file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct File {
    /// Always `file`.
    pub object: String,
    /// `assistant-…`.
    pub id: String,
    /// `assistants`, `assistants_output` or `vision`.
    pub purpose: String,
    /// The name that it was uploaded under.
    pub filename: String,
    /// Its size.
    pub bytes: u64,
    /// When it was uploaded.
    pub created_at: UnixSeconds,
    /// When it is deleted by itself.
    #[serde(default)]
    pub expires_at: Option<UnixSeconds>,
    /// `processed` once it can be used.
    #[serde(default)]
    pub status: Option<String>,
    /// Why it can't be used.
    #[serde(default)]
    pub status_details: Option<String>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// All files: this list has no pages.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FileList {
    /// Always `list`.
    pub object: String,
    /// The files.
    pub data: Vec<File>,
}
