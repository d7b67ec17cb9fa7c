//! What becomes of a file: the changes that say it, in the store and in the batches that wait for the file.

use std::sync::Arc;

use cupola_store::{Batch, Change, Resource, StoreError};
use cupola_wire::vector_stores::{FileError, FileStatus, VectorStoreFile};

use super::{
    VectorStores,
    handle::replace,
    kinds,
    record::{FileRecord, read},
};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is found by searches; its passages take so many bytes.
    Completed(u64),
    /// It could not be read.
    Failed(FileError),
    /// It was given up.
    Cancelled,
}

impl Outcome {
    fn status(&self) -> FileStatus {
        match self {
            Self::Completed(_) => FileStatus::Completed,
            Self::Failed(_) => FileStatus::Failed,
            Self::Cancelled => FileStatus::Cancelled,
        }
    }

    fn error(&self) -> Option<&FileError> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Completed(_) | Self::Cancelled => None,
        }
    }
}

impl VectorStores {
    /// The changes that say what became of a file that was in progress.
    pub(super) async fn settle(
        &self,
        project: &Arc<str>,
        found: &Resource,
        outcome: &Outcome,
    ) -> Result<Batch, StoreError> {
        let mut record: FileRecord = read(found)?;
        let batches = std::mem::take(&mut record.batches);
        record.status = outcome.status();
        record.last_error = outcome.error().cloned();
        record.usage_bytes = match outcome {
            Outcome::Completed(bytes) => *bytes,
            Outcome::Failed(_) | Outcome::Cancelled => 0,
        };
        let key = kinds::file(project, &record.vector_store_id, &record.id);
        let facet = record.status.as_str().to_owned();
        let weight = i64::try_from(record.usage_bytes).unwrap_or(i64::MAX);
        let mut changes = vec![replace(&key, found, &record), Change::Refile { key, facet, weight }];
        for batch in batches {
            changes.extend(self.settle_in_batch(project, &batch, &record.id, outcome).await?);
        }
        Ok(changes)
    }

    /// The changes that say it in one batch.
    pub(super) async fn settle_in_batch(
        &self,
        project: &Arc<str>,
        batch: &str,
        file: &str,
        outcome: &Outcome,
    ) -> Result<Batch, StoreError> {
        let key = kinds::file_in_batch(project, batch, file);
        let Some(found) = self.store().get(&key).await? else { return Ok(Batch::new()) };
        let mut shown: VectorStoreFile = read(&found)?;
        shown.status = outcome.status();
        shown.last_error = outcome.error().cloned();
        let facet = shown.status.as_str().to_owned();
        Ok(vec![replace(&key, &found, &shown), Change::Refile { key, facet, weight: 0 }])
    }
}
