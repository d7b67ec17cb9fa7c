//! `POST tasks`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_engine::ids;
use cupola_store::{Change, Conflict, StoreError};
use serde_json::{Map, Value};

use super::{
    attachments,
    body::{Body, check_whole},
    kinds::{TASK, binding, check_binding, shown_id, task_key},
    lease::{LeaseRequest, acquire},
    moment::Moment,
    record::{Status, Task},
    refusal::{Refusal, invalid},
    transition::{self, Attachments},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    path::Project,
    precondition::with_etag,
    storage::Requester,
    values::Parameters,
};

const LONGEST_BINDING: usize = 128;
const LONGEST_TITLE: usize = 256;
const LONGEST_DESCRIPTION: usize = 1024;

/// `POST tasks`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    parameters: Parameters,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let body = Body(body);
    let now = Moment(service.clock().now());
    let values = body.attachments()?.filter(|attachments| *attachments != Attachments::Clear);
    let mut task = task(&body, LeaseRequest::of(&parameters)?.as_ref(), values.as_ref(), now)?;
    check_binding(&requester, &task)?;
    check_whole(&task)?;
    let created_at = now.0 / 1000;
    let mut changes = vec![Change::Insert {
        key: task_key(&project, &task.id),
        parent: String::new(),
        facet: binding(&task.agent_name, &task.session_id),
        created_at,
        doc: document(&task),
        aside: None,
    }];
    let attached = attachments::changes(&service, &project, None, &task.id, values.as_ref(), created_at);
    changes.extend(attached.await?);
    match service.store().commit(changes).await {
        Ok(()) => {
            attachments::fill(&service, &project, &mut task).await?;
            Ok(with_etag((StatusCode::CREATED, answer(&task)).into_response(), Some(&task.etag)))
        }
        Err(StoreError::Conflict(Conflict::Exists(key))) if key.kind == TASK => {
            Err(Refusal::Exists(shown_id(&key.id).to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn task(
    body: &Body,
    lease: Option<&LeaseRequest>,
    values: Option<&Attachments>,
    now: Moment,
) -> Result<Task, ApiError> {
    let status = body.status()?.unwrap_or(Status::Pending);
    if !matches!(status, Status::Pending | Status::InProgress) {
        return Err(invalid("A new task is pending or in_progress.", "status"));
    }
    if status == Status::Pending && lease.is_some() {
        return Err(invalid("A task that is pending has no lease: leave its parameters out.", "lease_owner"));
    }
    if lease.is_some_and(|lease| lease.seconds == 0) {
        return Err(invalid("A new lease lasts 10 seconds or more.", "lease_duration_seconds"));
    }
    let task = Task {
        object: "task".to_owned(),
        id: body.id()?.unwrap_or_else(|| ids::new("task_")),
        agent_name: body.required("agent_name", LONGEST_BINDING)?,
        session_id: body.required("session_id", LONGEST_BINDING)?,
        status,
        title: body.required("title", LONGEST_TITLE)?,
        description: body.optional("description", LONGEST_DESCRIPTION)?,
        lease: lease.map(|request| acquire(None, request, now)).transpose()?,
        payload: None,
        tags: None,
        error: None,
        suspension_reason: None,
        source: body.source()?,
        attachments: None,
        etag: ids::new(""),
        created_at: now,
        updated_at: now,
        started_at: (status == Status::InProgress).then_some(now),
        completed_at: None,
    };
    let change = transition::Change {
        payload: body.payload(),
        tags: body.tags()?,
        attachments: values.cloned(),
        ..transition::Change::default()
    };
    Ok(transition::apply(&task, &change, now)?.unwrap_or(task))
}
