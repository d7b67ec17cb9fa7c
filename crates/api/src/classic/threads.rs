//! Threads: create, list, get, update, delete.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_engine::ids;
use cupola_store::{Batch, Change, Conflict, StoreError};
use cupola_wire::classic::{CreateThread, Thread, UpdateThread};

use super::{
    checks,
    code_files::CodeFiles,
    kinds::{self, THREAD, key},
    messages, servers,
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json},
    listing::{ListQuery, page},
    path::{Ids, Project},
    vector_stores::{
        NewStore,
        attached::{self, AttachedFiles},
    },
};

/// `POST /threads`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Json(body): Json<CreateThread>,
) -> Result<Response, ApiError> {
    let NewThread { thread, changes, store } = prepare(&service, &project, "", body).await?;
    let thread = document(&thread);
    attached::commit(&service, &project, store, changes).await.map_err(messages::refusal)?;
    Ok(json(thread))
}

/// A thread that is about to be made.
pub(super) struct NewThread {
    /// The thread.
    pub thread: Thread,
    /// The changes that make it with its first messages.
    pub changes: Batch,
    /// The vector store that comes with it.
    pub store: Option<NewStore>,
}

/// Prepares a thread. `within` is the path of the thread in the body, with a dot behind it.
pub(super) async fn prepare(
    service: &Service,
    project: &Arc<str>,
    within: &str,
    body: CreateThread,
) -> Result<NewThread, ApiError> {
    checks::metadata(&format!("{within}metadata"), body.metadata.as_ref())?;
    checks::tool_resources(body.tool_resources.as_ref())?;
    servers::refuse_headers(body.tool_resources.as_ref())?;
    let files = AttachedFiles::of_messages(&format!("{within}messages"), body.messages.as_deref())?;
    let first = body.messages.unwrap_or_default();
    let code_files = CodeFiles::of_messages(&first);
    checks::count(&format!("{within}messages"), first.len(), checks::MAX_MESSAGES)?;
    let mut thread = Thread {
        id: ids::new("thread_"),
        object: "thread".to_owned(),
        created_at: service.clock().seconds(),
        metadata: body.metadata.unwrap_or_default(),
        tool_resources: body.tool_resources.unwrap_or_default(),
        extra: checks::extra(body.extra, &["id", "object", "created_at"]),
    };
    let mut messages = Batch::new();
    for (index, message) in first.into_iter().enumerate() {
        let param = format!("{within}messages[{index}]");
        let (_, message) = messages::prepare(service, project, &thread.id, &param, message)?;
        messages.extend(message);
    }
    let store = attached::of_thread(service, project, within, &mut thread.tool_resources, &files).await?;
    code_files.add_to(&mut thread.tool_resources);
    let thread_key = key(project, THREAD, thread.id.clone());
    let mut changes = vec![kinds::insert(thread_key, thread.created_at, document(&thread))];
    changes.extend(messages);
    Ok(NewThread { thread, changes, store })
}

/// `GET /threads`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let listing = query.of(&project, THREAD, "");
    Ok(page(&service.store().list(listing).await?))
}

/// `GET /threads/{thread}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
) -> Result<Response, ApiError> {
    Ok(json(kinds::find(&service, &key(&project, THREAD, thread)).await?.doc))
}

/// `POST /threads/{thread}`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
    Json(mut body): Json<UpdateThread>,
) -> Result<Response, ApiError> {
    checks::metadata("metadata", body.metadata.as_ref())?;
    checks::tool_resources(body.tool_resources.as_ref())?;
    servers::refuse_headers(body.tool_resources.as_ref())?;
    let key = key(&project, THREAD, thread);
    kinds::find(&service, &key).await?;
    if let Some(resources) = &mut body.tool_resources {
        let store = attached::of_thread(&service, &project, "", resources, &AttachedFiles::default()).await?;
        attached::commit(&service, &project, store, Batch::new()).await.map_err(messages::refusal)?;
    }
    let doc = kinds::change(&service, &key, |thread: &mut Thread| {
        if let Some(metadata) = &body.metadata {
            thread.metadata.clone_from(metadata);
        }
        if let Some(resources) = &body.tool_resources {
            thread.tool_resources.clone_from(resources);
        }
    })
    .await?;
    Ok(json(doc))
}

/// `DELETE /threads/{thread}`: with its messages, runs and steps. A run that is active is given up.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
) -> Result<Response, ApiError> {
    let changes = vec![
        Change::Delete { key: key(&project, THREAD, thread.clone()) },
        Change::Release { project, name: thread.clone() },
    ];
    match service.store().commit(changes).await {
        Ok(()) => Ok(answer(&kinds::deleted(thread, "thread.deleted"))),
        Err(StoreError::Conflict(Conflict::Missing(_))) => Err(kinds::not_found(THREAD, &thread)),
        Err(error) => Err(error.into()),
    }
}
