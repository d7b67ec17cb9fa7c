//! Messages: create, list, get, update, delete.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use bytes::Bytes;
use cupola_engine::ids;
use cupola_store::{Batch, Change, Conflict, Listing, StoreError};
use cupola_wire::classic::{CreateMessage, Message, UpdateMetadata};

use super::{
    checks,
    code_files::CodeFiles,
    kinds::{self, FILE, MESSAGE, THREAD, key},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json},
    listing::{ListQuery, page},
    path::{Ids, Project},
    vector_stores::attached::{self, AttachedFiles},
};

/// Fields that the service sets.
const OWN: &[&str] = &["id", "object", "created_at", "assistant_id", "thread_id", "run_id"];

/// `POST /threads/{thread}/messages`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
    Json(body): Json<CreateMessage>,
) -> Result<Response, ApiError> {
    let files = AttachedFiles::of_message("attachments", body.attachments.as_deref())?;
    let code_files = CodeFiles::of_message(body.attachments.as_deref());
    let (doc, message) = prepare(&service, &project, &thread, "", body)?;
    attached::to_thread(&service, &project, &thread, &files).await?;
    code_files.put(&service, &project, &thread).await?;
    let mut changes = vec![
        Change::RequirePresent { key: key(&project, THREAD, thread.clone()) },
        Change::RequireFree { project: Arc::clone(&project), name: thread.clone() },
        Change::RequireFewer { parent: key(&project, MESSAGE, thread), limit: checks::MAX_MESSAGES },
    ];
    changes.extend(message);
    service.store().commit(changes).await.map_err(refusal)?;
    Ok(json(doc))
}

/// A new message, and the changes that make it. `param` is the path of the message in the body.
pub(super) fn prepare(
    service: &Service,
    project: &Arc<str>,
    thread: &str,
    param: &str,
    body: CreateMessage,
) -> Result<(Bytes, Batch), ApiError> {
    let path = |field: &str| if param.is_empty() { field.to_owned() } else { format!("{param}.{field}") };
    checks::metadata(&path("metadata"), body.metadata.as_ref())?;
    let content = checks::content(&path("content"), body.content)?;
    let attachments = body.attachments.unwrap_or_default();
    checks::count(&path("attachments"), attachments.len(), checks::MAX_FILES)?;
    let mut changes: Batch = checks::files(&content, &attachments)
        .map(|file| Change::RequirePresent { key: key(project, FILE, file) })
        .collect();
    let message = Message {
        id: ids::new("msg_"),
        object: "thread.message".to_owned(),
        created_at: service.clock().seconds(),
        assistant_id: None,
        thread_id: thread.to_owned(),
        run_id: None,
        status: None,
        incomplete_details: None,
        incomplete_at: None,
        completed_at: None,
        role: body.role,
        content,
        attachments,
        metadata: body.metadata.unwrap_or_default(),
        extra: checks::extra(body.extra, OWN),
    };
    let doc = document(&message);
    changes.push(Change::Insert {
        key: key(project, MESSAGE, message.id),
        parent: thread.to_owned(),
        facet: String::new(),
        created_at: message.created_at,
        doc: doc.clone(),
        aside: None,
    });
    Ok((doc, changes))
}

/// Why a message can't be added, in the service's own words.
pub fn refusal(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict(Conflict::Missing(missing)) if missing.kind == FILE => {
            ApiError::invalid(format!("No file found with id '{}'.", missing.id)).code("invalid_value")
        }
        StoreError::Conflict(Conflict::Missing(missing)) => kinds::not_found(missing.kind, &missing.id),
        StoreError::Conflict(Conflict::Held { name, holder }) => {
            ApiError::invalid(format!("Can't add messages to {name} while a run {holder} is active."))
        }
        StoreError::Conflict(Conflict::Full(parent)) => {
            let limit = checks::MAX_MESSAGES;
            ApiError::invalid(format!(
                "The thread '{}' has as many messages as it may have ({limit}).",
                parent.id
            ))
            .code("too_many_messages")
        }
        other => other.into(),
    }
}

/// `GET /threads/{thread}/messages`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let listing = Listing { facet: query.run_id.as_deref(), ..query.of(&project, MESSAGE, &thread) };
    let slice = service.store().list(listing).await?;
    if slice.items.is_empty() {
        kinds::find(&service, &key(&project, THREAD, thread)).await?;
    }
    Ok(page(&slice))
}

/// `GET /threads/{thread}/messages/{message}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, message]): Ids<2>,
) -> Result<Response, ApiError> {
    let (thread, message) = (key(&project, THREAD, thread), key(&project, MESSAGE, message));
    Ok(json(kinds::find_in(&service, &thread, &message).await?.doc))
}

/// `POST /threads/{thread}/messages/{message}`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, message]): Ids<2>,
    Json(body): Json<UpdateMetadata>,
) -> Result<Response, ApiError> {
    checks::metadata("metadata", body.metadata.as_ref())?;
    let (thread, message) = (key(&project, THREAD, thread), key(&project, MESSAGE, message));
    kinds::find_in(&service, &thread, &message).await?;
    let free = Change::RequireFree { project, name: thread.id };
    let changed = kinds::change_if(&service, &message, &[free], |message: &mut Message| {
        if let Some(metadata) = &body.metadata {
            message.metadata.clone_from(metadata);
        }
    })
    .await;
    changed.map(json).map_err(|error| match error {
        StoreError::Conflict(Conflict::Held { name, holder }) => {
            ApiError::invalid(format!("Can't change messages of {name} while a run {holder} is active."))
        }
        StoreError::Conflict(_) => kinds::not_found(MESSAGE, &message.id),
        error => error.into(),
    })
}

/// `DELETE /threads/{thread}/messages/{message}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, message]): Ids<2>,
) -> Result<Response, ApiError> {
    let message_key = key(&project, MESSAGE, message.clone());
    kinds::find_in(&service, &key(&project, THREAD, thread.clone()), &message_key).await?;
    let changes = vec![
        Change::RequireFree { project: Arc::clone(&project), name: thread },
        Change::Delete { key: message_key },
    ];
    match service.store().commit(changes).await {
        Ok(()) => Ok(answer(&kinds::deleted(message, "thread.message.deleted"))),
        Err(StoreError::Conflict(Conflict::Held { name, holder })) => {
            Err(ApiError::invalid(format!("Can't delete messages of {name} while a run {holder} is active.")))
        }
        Err(StoreError::Conflict(_)) => Err(kinds::not_found(MESSAGE, &message)),
        Err(error) => Err(error.into()),
    }
}
