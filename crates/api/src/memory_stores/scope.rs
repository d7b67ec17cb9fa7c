//! `POST memory_stores/{store}:delete_scope`: everything that is remembered of somebody, and everything that was about
//! to be.

use axum::{extract::State, response::Response};
use cupola_store::{Change, Conflict, Listing, StoreError};
use serde::Deserialize;
use serde_json::json;

use super::{
    checks,
    kinds::{self, MEMORY, TO_DO, UPDATE},
    record::{Update, read},
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    path::{Ids, Project},
};

/// Whose memories are deleted.
#[derive(Debug, Deserialize)]
pub struct DeleteScope {
    scope: String,
}

/// `POST memory_stores/{store}:delete_scope`
pub async fn delete_scope(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Json(body): Json<DeleteScope>,
) -> Result<Response, ApiError> {
    checks::scope(&body.scope)?;
    let memories = service.memories();
    memories.find(&project, &name).await?;
    loop {
        let listing = Listing { facet: Some(&body.scope), ..Listing::all(&project, MEMORY, &name) };
        let remembered = memories.store().list(listing).await?.items;
        let mut changes: Vec<Change> = remembered
            .iter()
            .map(|memory| Change::Delete { key: kinds::memory(&project, &memory.id) })
            .collect();
        let listing = Listing { facet: Some(TO_DO), ..Listing::all(&project, UPDATE, &name) };
        for waiting in memories.store().list(listing).await?.items {
            if read::<Update>(&waiting)?.scope == body.scope {
                changes.push(Change::Delete { key: kinds::update(&project, &waiting.id) });
            }
        }
        match memories.store().commit(changes).await {
            Ok(()) => break,
            // Somebody else has deleted some of them at the same moment.
            Err(StoreError::Conflict(Conflict::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let object = "memory_store.scope.deleted";
    Ok(answer(&json!({"object": object, "name": name, "scope": body.scope, "deleted": true})))
}
