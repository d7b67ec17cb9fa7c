//! The kinds of resource of this dialect, and the errors for those that are not there.

use std::sync::Arc;

use bytes::Bytes;
use cupola_store::{Change, Conflict, Key, Kind, Resource, StoreError};
use cupola_wire::classic::Deleted;
use serde::{Serialize, de::DeserializeOwned};

use super::delegation::ERRAND;
use crate::{ApiError, Service, body::document, vector_stores};

pub const AGENT: Kind = Kind::named("assistant");
pub const THREAD: Kind = Kind::named("thread").owning(&[MESSAGE, RUN]);
pub const MESSAGE: Kind = Kind::named("message");
pub const RUN: Kind = Kind::named("run").owning(&[RUN_STEP, ERRAND]).with_turns();
pub const RUN_STEP: Kind = Kind::named("run_step");
pub const FILE: Kind = Kind::named("file").owning(&[vector_stores::USE]);

/// The 404 of each kind, in the service's own words.
pub fn not_found(kind: Kind, id: &str) -> ApiError {
    let noun = match kind {
        AGENT => "assistant",
        THREAD => "thread",
        MESSAGE => "message",
        RUN => "run",
        RUN_STEP => "run step",
        _ => "file",
    };
    ApiError::not_found(format!("No {noun} found with id '{id}'."))
}

/// A resource, or its 404.
pub async fn find(service: &Service, key: &Key) -> Result<Resource, ApiError> {
    service.store().get(key).await?.ok_or_else(|| not_found(key.kind, &key.id))
}

/// A resource below a parent, or the 404 of whichever is not there.
pub async fn find_in(service: &Service, parent: &Key, key: &Key) -> Result<Resource, ApiError> {
    match service.store().get(key).await? {
        Some(resource) if resource.parent == parent.id => Ok(resource),
        _ => {
            find(service, parent).await?;
            Err(not_found(key.kind, &key.id))
        }
    }
}

/// Reads a stored document.
pub fn read<T: DeserializeOwned>(key: &Key, doc: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(doc).map_err(|error| ApiError::internal(&format!("reading {key}"), error))
}

/// A new resource right below the project.
pub fn insert(key: Key, created_at: i64, doc: Bytes) -> Change {
    Change::Insert { key, parent: String::new(), facet: String::new(), created_at, doc, aside: None }
}

/// The answer to a delete.
pub fn deleted(id: String, object: &str) -> Deleted {
    Deleted { id, object: object.to_owned(), deleted: true }
}

/// Keys of one project.
pub fn key(project: &Arc<str>, kind: Kind, id: impl Into<String>) -> Key {
    Key::new(project, kind, id)
}

/// An uploaded file.
pub fn file_key(project: &Arc<str>, id: &str) -> Key {
    key(project, FILE, id)
}

/// A thread.
pub fn thread_key(project: &Arc<str>, id: &str) -> Key {
    key(project, THREAD, id)
}

/// Changes a document, again and again while somebody else is faster, and gives what it has become.
pub async fn change<T: DeserializeOwned + Serialize>(
    service: &Service,
    key: &Key,
    edit: impl Fn(&mut T),
) -> Result<Bytes, ApiError> {
    change_if(service, key, &[], edit).await.map_err(|error| match error {
        StoreError::Conflict(Conflict::Missing(_)) => not_found(key.kind, &key.id),
        error => error.into(),
    })
}

/// Changes a document under further conditions.
pub async fn change_if<T: DeserializeOwned + Serialize>(
    service: &Service,
    key: &Key,
    conditions: &[Change],
    edit: impl Fn(&mut T),
) -> Result<Bytes, StoreError> {
    loop {
        let current = service.store().get(key).await?;
        let current = current.ok_or_else(|| StoreError::Conflict(Conflict::Missing(key.clone())))?;
        let mut value = serde_json::from_slice(&current.doc)
            .map_err(|error| StoreError::Backend(format!("{key} is damaged: {error}")))?;
        edit(&mut value);
        let doc = document(&value);
        let mut changes = conditions.to_vec();
        changes.push(Change::Replace { key: key.clone(), if_etag: current.etag, doc: doc.clone() });
        match service.store().commit(changes).await {
            Ok(()) => return Ok(doc),
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(error) => return Err(error),
        }
    }
}
