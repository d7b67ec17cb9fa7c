//! Contexts: a conversation each. A client may use its own name for one; the conversation behind it is made
//! when the name is used first.

use std::sync::Arc;

use axum::extract::State;
use cupola_store::{Change, Key, Kind, StoreError};
use serde_json::{Value, json};

use super::fault::Fault;
use crate::{
    ApiError, Service,
    body::{Json, document, parse_value},
    conversations,
    path::{BoundAgent, Project},
    storage::Requester,
};

/// A client's name of a context; the parent is the conversation, so that it goes when that goes.
pub const NAMED: Kind = Kind::named("a2a_context");
const OWN_PREFIX: &str = "conv_";
const LARGEST: usize = 64 * 1024;

/// A conversation, and the name that the client has for it if that is not its id.
pub struct Context {
    /// The conversation.
    pub conversation: String,
    /// What the client calls it.
    pub name: Option<String>,
}

/// The context that a client names, or a new one.
pub async fn find_or_make(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    agent: &str,
    name: Option<&str>,
) -> Result<Context, Fault> {
    let Some(name) = name else {
        let conversation = new_conversation(service, project, agent).await?;
        return Ok(Context { conversation, name: None });
    };
    if name.starts_with(OWN_PREFIX) {
        conversations::find_conversation(service, project, "contextId", name).await?;
        return Ok(Context { conversation: name.to_owned(), name: None });
    }
    // Users can't meet in a context because they had the same idea for its name.
    let key = Key::new(project, NAMED, format!("{agent}/{}/{name}", requester.user));
    let named = |conversation| Context { conversation, name: Some(name.to_owned()) };
    loop {
        if let Some(stored) = service.store().get(&key).await.map_err(ApiError::from)? {
            return Ok(named(stored.parent));
        }
        let conversation = new_conversation(service, project, agent).await?;
        let insert = Change::Insert {
            key: key.clone(),
            parent: conversation.clone(),
            facet: String::new(),
            created_at: service.clock().seconds(),
            doc: document(&json!({"name": name})),
            aside: None,
        };
        match service.store().commit(vec![insert]).await {
            Ok(()) => return Ok(named(conversation)),
            // Somebody has used the name at the same moment: theirs is the conversation.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(ApiError::from(error).into()),
        }
    }
}

async fn new_conversation(service: &Service, project: &Arc<str>, agent: &str) -> Result<String, Fault> {
    let empty = parse_value(json!({}))?;
    let bound = BoundAgent(Some(agent.to_owned()));
    let project = Project(Arc::clone(project));
    let made = conversations::create(State(service.clone()), project, bound, Json(empty)).await?;
    let body = axum::body::to_bytes(made.into_body(), LARGEST).await;
    let body = body.map_err(|error| ApiError::internal("reading a new conversation", error))?;
    let made: Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::internal("reading a new conversation", error))?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}
