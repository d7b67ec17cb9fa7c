//! Which agents take part in a conversation: what the list of conversations can be filtered by.

use std::sync::Arc;

use cupola_store::{Change, Key, Kind, StoreError};

use crate::{ApiError, Service, body::document};

/// An agent, or a version of it, takes part; the parent is the conversation.
pub const PARTICIPANT: Kind = Kind::named("conversation_agent");

/// Notes that an agent takes part in a conversation. Noting it again changes nothing, and costs a read.
pub async fn note_agent(
    service: &Service,
    project: &Arc<str>,
    conversation: &str,
    name: &str,
    version: Option<&str>,
) -> Result<(), ApiError> {
    let version = version.map(|version| format!("{name}:{version}"));
    for agent in [Some(name.to_owned()), version].into_iter().flatten() {
        let key = key(project, conversation, &agent);
        if service.store().get(&key).await?.is_some() {
            continue;
        }
        let change = Change::Insert {
            key,
            parent: conversation.to_owned(),
            facet: String::new(),
            created_at: service.clock().seconds(),
            doc: document(&agent),
            aside: None,
        };
        match service.store().commit(vec![change]).await {
            // Somebody else has noted it at the same moment.
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether an agent, or a version of it as `NAME:VERSION`, takes part in a conversation.
pub async fn takes_part(
    service: &Service,
    project: &Arc<str>,
    conversation: &str,
    agent: &str,
) -> Result<bool, ApiError> {
    Ok(service.store().get(&key(project, conversation, agent)).await?.is_some())
}

fn key(project: &Arc<str>, conversation: &str, agent: &str) -> Key {
    Key::new(project, PARTICIPANT, format!("{conversation}/{agent}"))
}
