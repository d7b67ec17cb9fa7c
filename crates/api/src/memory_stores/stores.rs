//! Memory stores: create, list, get, update, delete.

use axum::{extract::State, response::Response};
use cupola_engine::ids;
use cupola_store::{Change, Conflict, StoreError};
use cupola_wire::Metadata;
use serde::Deserialize;
use serde_json::json;

use super::{
    checks,
    kinds::{self, STORE},
    record::{Definition, Store},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json as json_answer},
    classic::checks as limits,
    listing::{ListQuery, page},
    path::{Ids, Project},
};

/// A new store.
#[derive(Debug, Deserialize)]
pub struct CreateStore {
    name: String,
    definition: Definition,
    description: Option<String>,
    metadata: Option<Metadata>,
}

/// What of a store may change.
#[derive(Debug, Deserialize)]
pub struct UpdateStore {
    description: Option<String>,
    metadata: Option<Metadata>,
}

/// `POST memory_stores`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Json(body): Json<CreateStore>,
) -> Result<Response, ApiError> {
    checks::name(&body.name)?;
    checks::definition(&body.definition)?;
    checks::description(body.description.as_deref())?;
    limits::metadata("metadata", body.metadata.as_ref())?;
    let now = service.clock().seconds();
    let store = Store {
        object: "memory_store".to_owned(),
        id: ids::new("memstore_"),
        created_at: now,
        updated_at: now,
        name: body.name,
        description: body.description,
        metadata: body.metadata.unwrap_or_default(),
        definition: body.definition,
    };
    let doc = document(&store);
    let insert = Change::Insert {
        key: kinds::store(&project, &store.name),
        parent: String::new(),
        facet: String::new(),
        created_at: now,
        doc: doc.clone(),
        aside: None,
    };
    match service.store().commit(vec![insert]).await {
        Ok(()) => Ok(json_answer(doc)),
        Err(StoreError::Conflict(_)) => {
            Err(ApiError::conflict(format!("Memory store '{}' already exists.", store.name)))
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET memory_stores`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
) -> Result<Response, ApiError> {
    Ok(page(&service.store().list(query.of(&project, STORE, "")).await?))
}

/// `GET memory_stores/{store}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    Ok(json_answer(service.memories().find(&project, &name).await?.1.doc))
}

/// `POST memory_stores/{store}`: what the body names is replaced.
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Json(body): Json<UpdateStore>,
) -> Result<Response, ApiError> {
    checks::description(body.description.as_deref())?;
    limits::metadata("metadata", body.metadata.as_ref())?;
    loop {
        let (mut store, found) = service.memories().find(&project, &name).await?;
        if body.description.is_some() {
            store.description.clone_from(&body.description);
        }
        if let Some(metadata) = &body.metadata {
            store.metadata.clone_from(metadata);
        }
        store.updated_at = service.clock().seconds();
        let doc = document(&store);
        let key = kinds::store(&project, &name);
        let change = Change::Replace { key, if_etag: found.etag, doc: doc.clone() };
        match service.store().commit(vec![change]).await {
            Ok(()) => return Ok(json_answer(doc)),
            // Somebody else was faster: the change is made to what they left.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE memory_stores/{store}`: with everything that it remembers.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    let change = Change::Delete { key: kinds::store(&project, &name) };
    match service.store().commit(vec![change]).await {
        Ok(()) => Ok(answer(&json!({"object": "memory_store.deleted", "name": name, "deleted": true}))),
        Err(StoreError::Conflict(Conflict::Missing(_))) => Err(kinds::no_store(&name)),
        Err(error) => Err(error.into()),
    }
}
