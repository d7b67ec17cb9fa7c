//! State stores that exist: get, list, patch, delete.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_store::{Change, Conflict, Listing, Resource, StoreError};
use cupola_wire::Metadata;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{
    address::{STORE, agent_of, decoded, store_key},
    record::{Store, read},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json as json_answer},
    classic::checks,
    listing::{ListQuery, page},
    path::{Ids, Project},
    storage::Requester,
};

/// `GET state_stores/{store}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    requester: Requester,
) -> Result<Response, ApiError> {
    Ok(json_answer(find(&service, &project, &requester, &decoded(&name)?).await?.doc))
}

/// `GET state_stores`: those of the agent that asks.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let listing = Listing { facet: Some(agent_of(&requester)), ..query.of(&project, STORE, "") };
    Ok(page(&service.store().list(listing).await?))
}

/// What of a store may change. A field that is left out stays as it is; null clears it.
#[derive(Debug, Deserialize)]
pub struct PatchStore {
    #[serde(default, deserialize_with = "said")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    tags: Option<Option<Metadata>>,
}

fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// `PATCH state_stores/{store}`
pub async fn patch(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    requester: Requester,
    Json(body): Json<PatchStore>,
) -> Result<Response, ApiError> {
    let name = decoded(&name)?;
    checks::metadata("tags", body.tags.as_ref().and_then(Option::as_ref))?;
    let key = store_key(&project, agent_of(&requester), &name);
    loop {
        let stored = find(&service, &project, &requester, &name).await?;
        let mut store: Store = read(&stored)?;
        if let Some(description) = &body.description {
            store.description.clone_from(description);
        }
        if let Some(tags) = &body.tags {
            store.tags = tags.clone().unwrap_or_default();
        }
        store.updated_at = service.clock().seconds();
        let doc = document(&store);
        let change = Change::Replace { key: key.clone(), if_etag: stored.etag, doc: doc.clone() };
        match service.store().commit(vec![change]).await {
            Ok(()) => return Ok(json_answer(doc)),
            // Somebody else was faster: the change is made to what they left.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE state_stores/{store}`: with its items. Deleting what is gone is no error.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    requester: Requester,
) -> Result<Response, ApiError> {
    let name = decoded(&name)?;
    let key = store_key(&project, agent_of(&requester), &name);
    let id = key.id.clone();
    match service.store().commit(vec![Change::Delete { key }]).await {
        Ok(()) => Ok(answer(&json!({"id": id, "object": "state_store", "name": name, "deleted": true}))),
        Err(StoreError::Conflict(Conflict::Missing(_))) => {
            Ok(answer(&json!({"object": "state_store", "name": name, "deleted": true})))
        }
        Err(error) => Err(error.into()),
    }
}

/// The store with this name, or its 404.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    name: &str,
) -> Result<Resource, ApiError> {
    let found = service.store().get(&store_key(project, agent_of(requester), name)).await?;
    found.ok_or_else(|| ApiError::missing("State store", name))
}
