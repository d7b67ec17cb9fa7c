//! Memories one by one: create, list, get, update, delete.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_engine::ids;
use cupola_store::{Change, Conflict, Listing, Resource, StoreError};
use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::json;

use super::{
    Memories, checks,
    handle::{end_of, insert},
    kinds::{self, MEMORY},
    record::{Memory, read},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    listing::{ListQuery, page},
    path::{Ids, Project},
    sieve,
    values::Parameters,
};

/// A new memory.
#[derive(Debug, Deserialize)]
pub struct CreateMemory {
    scope: String,
    content: String,
    kind: String,
}

/// What of a memory may change.
#[derive(Debug, Deserialize)]
pub struct UpdateMemory {
    content: String,
}

/// Whose memories are listed.
#[derive(Debug, Deserialize)]
pub struct ListMemories {
    scope: String,
}

/// `POST memory_stores/{store}/items`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Json(body): Json<CreateMemory>,
) -> Result<Response, ApiError> {
    checks::scope(&body.scope)?;
    checks::content(&body.content)?;
    let kind = checks::kind(&body.kind)?;
    let memories = service.memories();
    let (store, _) = memories.find(&project, &name).await?;
    let now = memories.now();
    let (vectors, _) = memories.embed(&store, &[body.content.as_str()]).await;
    let memory = Memory {
        memory_id: ids::new("mem_"),
        updated_at: now,
        scope: body.scope,
        content: body.content,
        kind,
        expires_at: end_of(&store, now),
        vector: vectors.into_iter().next(),
    };
    let mut changes = vec![Change::RequirePresent { key: kinds::store(&project, &name) }];
    changes.extend(memories.clearing(&project, &name, &memory.scope).await?);
    changes.push(insert(&project, &name, &memory));
    commit(memories, changes, &name).await?;
    Ok(answer(&memory.shown()))
}

/// `POST memory_stores/{store}/items:list`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    query: ListQuery,
    parameters: Parameters,
    Json(body): Json<ListMemories>,
) -> Result<Response, ApiError> {
    checks::scope(&body.scope)?;
    let kind = parameters.all("kind").next().filter(|kind| !kind.is_empty()).map(checks::kind).transpose()?;
    service.memories().find(&project, &name).await?;
    let now = service.memories().now();
    let listing = Listing { facet: Some(&body.scope), ..query.of(&project, MEMORY, &name) };
    let mut slice = sieve::list(&service, listing, |found| {
        let is_wanted = read::<Memory>(found)
            .map(|memory| !memory.has_expired(now) && kind.is_none_or(|kind| kind == memory.kind));
        async move { is_wanted }.boxed()
    })
    .await?;
    for found in &mut slice.items {
        found.doc = document(&read::<Memory>(found)?.shown());
    }
    Ok(page(&slice))
}

/// `GET memory_stores/{store}/items/{memory}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, id]): Ids<2>,
) -> Result<Response, ApiError> {
    Ok(answer(&find(service.memories(), &project, &name, &id).await?.0.shown()))
}

/// `POST memory_stores/{store}/items/{memory}`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, id]): Ids<2>,
    Json(body): Json<UpdateMemory>,
) -> Result<Response, ApiError> {
    checks::content(&body.content)?;
    let memories = service.memories();
    let (store, _) = memories.find(&project, &name).await?;
    let (vectors, _) = memories.embed(&store, &[body.content.as_str()]).await;
    loop {
        let (mut memory, found) = find(memories, &project, &name, &id).await?;
        let now = memories.now();
        memory.content.clone_from(&body.content);
        memory.updated_at = now;
        memory.expires_at = end_of(&store, now);
        memory.vector = vectors.first().cloned();
        let key = kinds::memory(&project, &id);
        let change = Change::Replace { key, if_etag: found.etag, doc: document(&memory) };
        match memories.store().commit(vec![change]).await {
            Ok(()) => return Ok(answer(&memory.shown())),
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(StoreError::Conflict(_)) => return Err(kinds::no_memory(&id)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE memory_stores/{store}/items/{memory}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, id]): Ids<2>,
) -> Result<Response, ApiError> {
    let memories = service.memories();
    find(memories, &project, &name, &id).await?;
    match memories.store().commit(vec![Change::Delete { key: kinds::memory(&project, &id) }]).await {
        Ok(()) => {
            Ok(answer(&json!({"object": "memory_store.item.deleted", "memory_id": id, "deleted": true})))
        }
        Err(StoreError::Conflict(_)) => Err(kinds::no_memory(&id)),
        Err(error) => Err(error.into()),
    }
}

async fn find(
    memories: &Memories,
    project: &Arc<str>,
    store: &str,
    id: &str,
) -> Result<(Memory, Resource), ApiError> {
    memories.find(project, store).await?;
    let found = memories.store().get(&kinds::memory(project, id)).await?;
    let found = found.filter(|found| found.parent == store).ok_or_else(|| kinds::no_memory(id))?;
    let memory: Memory = read(&found)?;
    match memory.has_expired(memories.now()) {
        true => Err(kinds::no_memory(id)),
        false => Ok((memory, found)),
    }
}

async fn commit(memories: &Memories, changes: Vec<Change>, store: &str) -> Result<(), ApiError> {
    match memories.store().commit(changes).await {
        Ok(()) => Ok(()),
        Err(StoreError::Conflict(Conflict::Missing(key))) if key.kind == kinds::STORE => {
            Err(kinds::no_store(store))
        }
        Err(error) => Err(error.into()),
    }
}
