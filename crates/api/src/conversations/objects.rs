//! Conversations: create, get, update, delete.

use axum::{extract::State, response::Response};
use cupola_store::{Change, Conflict, StoreError};
use cupola_wire::{
    classic::Deleted,
    conversations::{Conversation, CreateConversation, UpdateConversation},
};

use super::{
    agents::note_agent,
    items,
    kinds::{check_id, conversation_key, find, no_conversation},
};
use crate::{
    ApiError, Service, agents,
    body::{Json, answer, document, json},
    classic::checks,
    partition::Partition,
    path::{BoundAgent, Ids, Project},
};

/// Fields that the service sets.
const OWN: &[&str] = &["id", "object", "created_at"];
/// What the id is called in errors.
const PARAM: &str = "conversation_id";

/// `POST /conversations`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    BoundAgent(agent): BoundAgent,
    Json(body): Json<CreateConversation>,
) -> Result<Response, ApiError> {
    checks::metadata("metadata", body.metadata.as_ref())?;
    if let Some(agent) = &agent {
        agents::require(&service, &project, agent).await?;
    }
    let partition = Partition::new();
    let conversation = Conversation {
        id: partition.id("conv_"),
        object: "conversation".to_owned(),
        created_at: service.clock().seconds(),
        metadata: body.metadata.unwrap_or_default(),
        extra: checks::extra(body.extra, OWN),
    };
    let doc = document(&conversation);
    let mut changes = vec![Change::Insert {
        key: conversation_key(&project, &conversation.id),
        parent: String::new(),
        facet: String::new(),
        created_at: conversation.created_at,
        doc: doc.clone(),
        aside: None,
    }];
    let first = body.items.unwrap_or_default();
    let (_, items) = items::prepare(&service, &project, &conversation.id, first, &partition).await?;
    changes.extend(items);
    service.store().commit(changes).await?;
    if let Some(agent) = &agent {
        note_agent(&service, &project, &conversation.id, agent, None).await?;
    }
    Ok(json(doc))
}

/// `GET /conversations/{conversation}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
) -> Result<Response, ApiError> {
    Ok(json(find(&service, &project, PARAM, &id).await?.doc))
}

/// `POST /conversations/{conversation}`: the pairs are replaced.
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    Json(body): Json<UpdateConversation>,
) -> Result<Response, ApiError> {
    checks::metadata("metadata", body.metadata.as_ref())?;
    let key = conversation_key(&project, &id);
    loop {
        let current = find(&service, &project, PARAM, &id).await?;
        let mut conversation: Conversation = serde_json::from_slice(&current.doc)
            .map_err(|error| ApiError::internal(&format!("reading {key}"), error))?;
        if let Some(metadata) = &body.metadata {
            conversation.metadata.clone_from(metadata);
        }
        let doc = document(&conversation);
        let change = Change::Replace { key: key.clone(), if_etag: current.etag, doc: doc.clone() };
        match service.store().commit(vec![change]).await {
            Ok(()) => return Ok(json(doc)),
            // Somebody else was faster: the change is made to what they left.
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(StoreError::Conflict(_)) => return Err(no_conversation(&id)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE /conversations/{conversation}`: with its items.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
) -> Result<Response, ApiError> {
    check_id(PARAM, &id)?;
    match service.store().commit(vec![Change::Delete { key: conversation_key(&project, &id) }]).await {
        Ok(()) => Ok(answer(&Deleted { id, object: "conversation.deleted".to_owned(), deleted: true })),
        Err(StoreError::Conflict(_)) => Err(no_conversation(&id)),
        Err(error) => Err(error.into()),
    }
}
