//! `PATCH tasks/{task}`: work goes on, ends, or is only still alive.

use axum::{extract::State, response::Response};
use cupola_engine::ids;
use cupola_store::{Change, StoreError};
use serde_json::{Map, Value};

use super::{
    attachments,
    body::{Body, check_whole},
    kinds::{find, task_key},
    lease::{LeaseRequest, has_another_holder},
    moment::Moment,
    record::Task,
    refusal::Refusal,
    transition::{self, apply},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    path::{Ids, Project},
    precondition::{IfMatch, failed, with_etag},
    storage::Requester,
    values::Parameters,
};

/// `PATCH tasks/{task}`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    parameters: Parameters,
    if_match: IfMatch,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let lease = LeaseRequest::of(&parameters)?;
    let change = transition::Change { lease, ..Body(body).change()? };
    let mut first: Option<Task> = None;
    loop {
        let (task, stored) = find(&service, &project, &requester, &id).await?;
        if !if_match.is_met(Some(&task.etag)) {
            return Ok(failed(&format!("Task '{id}'"), Some(&task.etag)));
        }
        if let Some(first) = &first
            && change.lease.is_some()
            && has_another_holder(first.lease.as_ref(), task.lease.as_ref())
        {
            return Err(Refusal::LeaseChanged.into());
        }
        let now = Moment(service.clock().now());
        let Some(mut next) = apply(&task, &change, now)? else {
            return shown(&service, &project, task).await;
        };
        check_whole(&next)?;
        next.etag = ids::new("");
        let replace =
            Change::Replace { key: task_key(&project, &id), if_etag: stored.etag, doc: document(&next) };
        let wanted = change.attachments.as_ref();
        let mut changes = vec![replace];
        changes
            .extend(attachments::changes(&service, &project, Some(&task), &id, wanted, now.0 / 1000).await?);
        match service.store().commit(changes).await {
            Ok(()) => return shown(&service, &project, next).await,
            // Somebody else was faster: the change is made to what they left.
            Err(StoreError::Conflict(_)) => first = first.or(Some(task)),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn shown(
    service: &Service,
    project: &std::sync::Arc<str>,
    mut task: Task,
) -> Result<Response, ApiError> {
    attachments::fill(service, project, &mut task).await?;
    Ok(with_etag(answer(&task), Some(&task.etag)))
}
