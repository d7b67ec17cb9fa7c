//! `POST state_stores`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_store::{Change, StoreError};
use cupola_wire::Metadata;
use serde::Deserialize;

use super::{
    address::{agent_of, store_key},
    record::{NEVER, Store},
};
use crate::{
    ApiError, Service,
    body::{Json, document, json},
    classic::checks,
    path::Project,
    storage::Requester,
};

const DEFAULT_TTL_SECONDS: i64 = 30 * 24 * 60 * 60;
const LONGEST_NAME: usize = 512;

/// A new store.
#[derive(Debug, Deserialize)]
pub struct CreateStore {
    name: String,
    user_isolation: Option<bool>,
    item_ttl_seconds: Option<i64>,
    description: Option<String>,
    tags: Option<Metadata>,
}

/// `POST state_stores`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    Json(body): Json<CreateStore>,
) -> Result<Response, ApiError> {
    check_name(&body.name)?;
    checks::metadata("tags", body.tags.as_ref())?;
    let agent = agent_of(&requester);
    let key = store_key(&project, agent, &body.name);
    let now = service.clock().seconds();
    let store = Store {
        id: key.id.clone(),
        object: "state_store".to_owned(),
        name: body.name,
        user_isolation: body.user_isolation.unwrap_or(false),
        item_ttl_seconds: ttl(body.item_ttl_seconds)?,
        description: body.description,
        tags: body.tags.unwrap_or_default(),
        created_at: now,
        updated_at: now,
    };
    let doc = document(&store);
    let facet = agent.to_owned();
    let insert =
        Change::Insert { key, parent: String::new(), facet, created_at: now, doc: doc.clone(), aside: None };
    match service.store().commit(vec![insert]).await {
        Ok(()) => Ok((StatusCode::CREATED, json(doc)).into_response()),
        Err(StoreError::Conflict(_)) => {
            Err(ApiError::conflict(format!("State store '{}' already exists.", store.name)))
        }
        Err(error) => Err(error.into()),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.is_empty() {
        return Err(ApiError::invalid("Invalid 'name': a state store needs a name.")
            .code("invalid_value")
            .param("name"));
    }
    checks::text("name", Some(name), LONGEST_NAME)
}

fn ttl(seconds: Option<i64>) -> Result<i64, ApiError> {
    match seconds.unwrap_or(DEFAULT_TTL_SECONDS) {
        seconds if seconds == NEVER || seconds > 0 => Ok(seconds),
        seconds => {
            let message = format!(
                "Invalid 'item_ttl_seconds': expected a value >= 1, or -1 for ever, but got {seconds}."
            );
            Err(ApiError::invalid(message).code("integer_below_min_value").param("item_ttl_seconds"))
        }
    }
}
