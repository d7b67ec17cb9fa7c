//! Files in the home of a session.

use serde::{Deserialize, Serialize};

use crate::{Extra, UnixSeconds};

/// A file or a folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// In bytes.
    #[serde(default)]
    pub size: u64,
    /// Whether it is a folder.
    pub is_directory: bool,
    /// When it was changed last.
    #[serde(default)]
    pub modified_time: UnixSeconds,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a path names.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FileStat {
    /// The path, from the home on.
    #[serde(default)]
    pub path: String,
    /// What lies there.
    #[serde(flatten)]
    pub entry: FileEntry,
}

/// A part of a folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FolderPage {
    /// The folder, from the home on.
    #[serde(default)]
    pub path: String,
    /// What lies in it.
    pub entries: Vec<FileEntry>,
    /// Give it as `after` to get the next page; absent on the last one.
    #[serde(default)]
    pub last_id: Option<String>,
    /// Whether there is more.
    #[serde(default)]
    pub has_more: bool,
}

/// The answer to an upload.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct UploadedFile {
    /// The path, from the home on.
    pub path: String,
    /// How many bytes were written.
    pub bytes_written: u64,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}
