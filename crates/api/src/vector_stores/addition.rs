//! Putting files into a store: the changes that do it, with whatever else has to happen in the same commit.

use std::sync::Arc;

use cupola_store::{Batch, Change, Conflict, Resource, StoreError};
use cupola_wire::{
    UnixSeconds,
    classic::File,
    vector_stores::{Attributes, FileStatus, StaticChunking},
};

use super::{
    VectorStores, checks,
    handle::replace,
    kinds::{self, FILE_IN_BATCH, FILE_IN_STORE},
    record::{FileRecord, read},
};
use crate::{ApiError, body::document, classic::FILE};

/// A file that is to be put into a store.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The uploaded file.
    pub file: File,
    /// What the client says about it; what it said before where it says nothing now.
    pub attributes: Option<Attributes>,
    /// How it is cut.
    pub chunking: StaticChunking,
}

/// The changes that put files into a store, and what the files are then.
#[derive(Debug, Default)]
pub struct Additions {
    /// The changes.
    pub changes: Batch,
    /// The files, in the order in which they were named.
    pub files: Vec<FileRecord>,
}

impl Additions {
    /// Files for a store that is new: nothing can be in it yet.
    pub fn to_new_store(project: &Arc<str>, store: &str, additions: &[Addition], now: UnixSeconds) -> Self {
        let mut all = Self::default();
        for addition in additions {
            all.insert(project, store, addition, None, now);
        }
        all
    }

    fn insert(
        &mut self,
        project: &Arc<str>,
        store: &str,
        addition: &Addition,
        batch: Option<&str>,
        now: UnixSeconds,
    ) {
        let file = &addition.file;
        let record = FileRecord {
            id: file.id.clone(),
            vector_store_id: store.to_owned(),
            created_at: now,
            filename: file.filename.clone(),
            bytes: file.bytes,
            usage_bytes: 0,
            status: FileStatus::InProgress,
            last_error: None,
            chunking: addition.chunking,
            attributes: addition.attributes.clone().unwrap_or_default(),
            batches: batch.map(str::to_owned).into_iter().collect(),
            extra: cupola_wire::Extra::new(),
        };
        self.changes.extend([
            Change::RequirePresent { key: crate::classic::file_key(project, &file.id) },
            Change::Insert {
                key: kinds::file(project, store, &file.id),
                parent: store.to_owned(),
                facet: record.status.as_str().to_owned(),
                created_at: now,
                doc: document(&record),
                aside: None,
            },
            Change::Insert {
                key: kinds::usage(project, store, &file.id),
                parent: file.id.clone(),
                facet: String::new(),
                created_at: now,
                doc: bytes::Bytes::from_static(b"{}"),
                aside: None,
            },
        ]);
        self.files.push(record);
    }

    /// A file that is in the store already: it is read anew where that can change something.
    fn again(
        &mut self,
        project: &Arc<str>,
        found: &Resource,
        addition: &Addition,
        batch: Option<&str>,
    ) -> Result<(), StoreError> {
        let before: FileRecord = read(found)?;
        let mut record = before.clone();
        let is_good = matches!(record.status, FileStatus::InProgress | FileStatus::Completed);
        if !is_good || record.chunking != addition.chunking {
            record.status = FileStatus::InProgress;
            record.last_error = None;
            record.usage_bytes = 0;
            record.chunking = addition.chunking;
        }
        if let Some(attributes) = &addition.attributes {
            record.attributes.clone_from(attributes);
        }
        if record.status == FileStatus::InProgress {
            record.batches.extend(batch.map(str::to_owned));
        }
        let key = kinds::file(project, &record.vector_store_id, &record.id);
        if record != before {
            self.changes.push(replace(&key, found, &record));
        }
        if record.status != before.status {
            let facet = record.status.as_str().to_owned();
            self.changes.push(Change::Refile { key, facet, weight: 0 });
        }
        self.files.push(record);
        Ok(())
    }

    /// Makes the files part of a batch.
    fn join_batch(&mut self, project: &Arc<str>, batch: &str, now: UnixSeconds) {
        for record in &self.files {
            self.changes.push(Change::Insert {
                key: kinds::file_in_batch(project, batch, &record.id),
                parent: batch.to_owned(),
                facet: record.status.as_str().to_owned(),
                created_at: now,
                doc: document(&record.clone().shown_in_batch()),
                aside: None,
            });
        }
    }
}

impl VectorStores {
    /// Puts files into a store, in the same commit as other changes, which stand before. The ingestion begins.
    pub(super) async fn add(
        &self,
        project: &Arc<str>,
        store: &str,
        additions: &[Addition],
        batch: Option<&str>,
        first: &[Change],
    ) -> Result<Vec<FileRecord>, StoreError> {
        loop {
            let additions = self.additions(project, store, additions, batch).await?;
            let mut changes = first.to_vec();
            changes.extend(additions.changes);
            match self.store().commit(changes).await {
                Ok(()) => {
                    self.begin(project, &additions.files);
                    self.touch(project, store).await?;
                    return Ok(additions.files);
                }
                // Somebody else was faster with one of the files.
                Err(StoreError::Conflict(
                    Conflict::Exists(key) | Conflict::Changed(key) | Conflict::Missing(key),
                )) if matches!(key.kind, FILE_IN_STORE) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn additions(
        &self,
        project: &Arc<str>,
        store: &str,
        wanted: &[Addition],
        batch: Option<&str>,
    ) -> Result<Additions, StoreError> {
        let now = self.now();
        let mut all = Additions::default();
        let mut new = 0;
        for addition in wanted {
            match self.store().get(&kinds::file(project, store, &addition.file.id)).await? {
                Some(found) => all.again(project, &found, addition, batch)?,
                None => {
                    all.insert(project, store, addition, batch, now);
                    new += 1;
                }
            }
        }
        if new > 0 {
            let parent = cupola_store::Key::new(project, FILE_IN_STORE, store);
            let limit = (checks::MAX_FILES + 1).saturating_sub(new);
            all.changes.insert(0, Change::RequireFewer { parent, limit });
        }
        if let Some(batch) = batch {
            all.join_batch(project, batch, now);
        }
        Ok(all)
    }
}

/// Why files can't be put into a store. `param` is the path of the files in the body.
pub fn refusal(param: &str, error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict(Conflict::Missing(key)) if key.kind == FILE => no_such_file(param, &key.id),
        StoreError::Conflict(Conflict::Missing(key)) if key.kind == kinds::STORE => kinds::no_store(&key.id),
        StoreError::Conflict(Conflict::Full(parent)) if parent.kind == FILE_IN_STORE => {
            ApiError::invalid(format!(
                "The vector store '{}' can't take these files: it may have {} of them.",
                parent.id,
                checks::MAX_FILES
            ))
            .code("too_many_files")
            .param(param)
        }
        StoreError::Conflict(Conflict::Exists(key)) if key.kind == FILE_IN_BATCH => {
            ApiError::internal("making a batch of files", key)
        }
        other => other.into(),
    }
}

/// 404: no such uploaded file.
pub fn no_such_file(param: &str, id: &str) -> ApiError {
    ApiError::not_found(format!("No file found with id '{id}'.")).param(param)
}
