//! What is kept of stores, files and batches, and how they are shown.

use cupola_store::{Resource, StoreError, Tally};
use cupola_wire::{
    Extra, Metadata, UnixSeconds,
    vector_stores::{
        Attributes, ChunkingStrategy, ExpiresAfter, FileCounts, FileError, FileStatus, StaticChunking,
        StoreStatus, VectorStore, VectorStoreFile, VectorStoreFileBatch,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const DAY: i64 = 24 * 60 * 60;

/// The facet of stores that will expire one day.
pub const WILL_EXPIRE: &str = "will_expire";
/// The facet of stores whose time is over and whose index is gone.
pub const HAS_EXPIRED: &str = "has_expired";

/// A store. How far its files are is counted when it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreRecord {
    pub id: String,
    pub created_at: UnixSeconds,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub expires_after: Option<ExpiresAfter>,
    pub last_active_at: UnixSeconds,
    #[serde(default)]
    pub extra: Extra,
}

impl StoreRecord {
    /// When it expires if nobody uses it.
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        let rule = self.expires_after.as_ref()?;
        Some(self.last_active_at.saturating_add(rule.days.saturating_mul(DAY)))
    }

    /// Whether its time is over.
    pub fn has_expired(&self, now: UnixSeconds) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }

    /// As clients see it.
    pub fn shown(self, tallies: &[Tally], now: UnixSeconds) -> VectorStore {
        let file_counts = counts(tallies);
        let expires_at = self.expires_at();
        let status = if self.has_expired(now) {
            StoreStatus::Expired
        } else if file_counts.in_progress > 0 {
            StoreStatus::InProgress
        } else {
            StoreStatus::Completed
        };
        VectorStore {
            id: self.id,
            object: "vector_store".to_owned(),
            name: self.name,
            description: self.description,
            status,
            usage_bytes: tallies.iter().map(|tally| u64::try_from(tally.weight).unwrap_or(0)).sum(),
            created_at: self.created_at,
            file_counts,
            metadata: self.metadata,
            expires_after: self.expires_after,
            expires_at,
            last_active_at: Some(self.last_active_at),
            extra: self.extra,
        }
    }
}

/// How many files are how far.
pub fn counts(tallies: &[Tally]) -> FileCounts {
    let mut counts = FileCounts::default();
    for tally in tallies {
        if let Some(status) = FileStatus::from_word(&tally.facet) {
            counts.add(status, tally.count);
        }
    }
    counts
}

/// A file of a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    pub id: String,
    pub vector_store_id: String,
    pub created_at: UnixSeconds,
    pub filename: String,
    /// How large the uploaded file is.
    pub bytes: u64,
    pub usage_bytes: u64,
    pub status: FileStatus,
    #[serde(default)]
    pub last_error: Option<FileError>,
    pub chunking: StaticChunking,
    #[serde(default)]
    pub attributes: Attributes,
    /// The batches that wait for it.
    #[serde(default)]
    pub batches: Vec<String>,
    #[serde(default)]
    pub extra: Extra,
}

impl FileRecord {
    /// As clients see it.
    pub fn shown(self) -> VectorStoreFile {
        VectorStoreFile {
            id: self.id,
            object: "vector_store.file".to_owned(),
            usage_bytes: Some(self.usage_bytes),
            created_at: self.created_at,
            vector_store_id: self.vector_store_id,
            status: self.status,
            last_error: self.last_error,
            chunking_strategy: Some(ChunkingStrategy::of(self.chunking)),
            attributes: self.attributes,
            extra: self.extra,
        }
    }

    /// As the list of a batch shows it.
    pub fn shown_in_batch(self) -> VectorStoreFile {
        VectorStoreFile { usage_bytes: None, chunking_strategy: None, ..self.shown() }
    }
}

/// A batch. How far its files are is counted when it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchRecord {
    pub id: String,
    pub vector_store_id: String,
    pub created_at: UnixSeconds,
    /// Whether somebody gave it up.
    #[serde(default)]
    pub is_cancelled: bool,
}

impl BatchRecord {
    /// As clients see it.
    pub fn shown(self, tallies: &[Tally]) -> VectorStoreFileBatch {
        self.shown_with(counts(tallies))
    }

    /// As clients see it when it is new.
    pub fn new_with(self, files: impl Iterator<Item = FileStatus>) -> VectorStoreFileBatch {
        let mut file_counts = FileCounts::default();
        files.for_each(|status| file_counts.add(status, 1));
        self.shown_with(file_counts)
    }

    fn shown_with(self, file_counts: FileCounts) -> VectorStoreFileBatch {
        let status = if self.is_cancelled {
            FileStatus::Cancelled
        } else if file_counts.in_progress > 0 {
            FileStatus::InProgress
        } else if file_counts.total > 0 && file_counts.failed == file_counts.total {
            FileStatus::Failed
        } else {
            FileStatus::Completed
        };
        VectorStoreFileBatch {
            id: self.id,
            object: "vector_store.file_batch".to_owned(),
            created_at: self.created_at,
            status,
            vector_store_id: self.vector_store_id,
            file_counts,
            extra: Extra::new(),
        }
    }
}

/// Reads what is kept.
pub fn read<T: DeserializeOwned>(resource: &Resource) -> Result<T, StoreError> {
    serde_json::from_slice(&resource.doc)
        .map_err(|error| StoreError::Backend(format!("{} is damaged: {error}", resource.id)))
}
