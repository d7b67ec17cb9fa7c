//! Responses that containers have begun and not ended. While there is one, its sandbox is not idle; when its sandbox
//! is gone, it fails, so that nobody waits for it for ever.

use std::sync::Arc;

use cupola_store::{Change, Key, Kind, Listing, StoreError};
use serde_json::{Map, Value, json};

use super::{
    Call,
    responses::{change, has_ended},
};
use crate::{ApiError, Service, body::document, hosted, responses::RESPONSE, tasks};

/// A response that has not ended.
const OPEN: Kind = Kind::named("response_open");

/// Not the id of the response itself: what ends it must not take along what belongs to the response.
fn key(project: &Arc<str>, response: &str) -> Key {
    Key::new(project, OPEN, format!("open/{response}"))
}

fn open_of(agent: &str, session: &str) -> String {
    format!("open/{agent}/{session}")
}

/// The change that notes that a response has begun.
pub fn begun(project: &Arc<str>, response: &str, owner: &Call, created_at: i64) -> Change {
    Change::Insert {
        key: key(project, response),
        parent: open_of(&owner.agent, &owner.session),
        facet: String::new(),
        created_at,
        doc: document(&json!({"id": response})),
        aside: None,
    }
}

/// The change that notes that it has ended, if it was noted that it began.
pub async fn ended(
    service: &Service,
    project: &Arc<str>,
    response: &str,
) -> Result<Option<Change>, ApiError> {
    let key = key(project, response);
    Ok(service.store().get(&key).await?.map(|_| Change::Delete { key }))
}

/// Ends what a session's sandbox has left open. What a task stands for goes on in the next sandbox, and stays.
pub async fn abandon(
    service: &Service,
    project: &Arc<str>,
    (agent, session): (&str, &str),
    why: &str,
) -> Result<(), ApiError> {
    let parent = open_of(agent, session);
    let listing = Listing::all(project, OPEN, &parent);
    for open in service.store().list(listing).await?.items {
        let Some(id) = open.id.strip_prefix("open/") else { continue };
        hosted::rest(service, id);
        if !tasks::is_there(service, project, id).await? {
            fail(service, project, id, why).await?;
        }
    }
    Ok(())
}

async fn fail(service: &Service, project: &Arc<str>, id: &str, why: &str) -> Result<(), ApiError> {
    loop {
        let Some(stored) = service.store().get(&Key::new(project, RESPONSE, id)).await? else {
            return Ok(());
        };
        let mut response: Map<String, Value> = serde_json::from_slice(&stored.doc)
            .map_err(|error| ApiError::internal(&format!("reading the response {id}"), error))?;
        if has_ended(&response) {
            return Ok(());
        }
        response.insert("status".to_owned(), "failed".into());
        response.insert("error".to_owned(), json!({"code": "container_failed", "message": why}));
        let changes = change(service, project, &stored, &response).await?;
        match service.store().commit(changes).await {
            Err(StoreError::Conflict(_)) => {}
            other => return Ok(other?),
        }
    }
}
