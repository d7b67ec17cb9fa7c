//! `DELETE tasks/{task}`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_store::{Change, StoreError};

use super::{
    kinds::{find, task_key},
    record::Status,
    refusal::invalid,
};
use crate::{
    ApiError, Service,
    path::{Ids, Project},
    precondition::{IfMatch, failed},
    storage::Requester,
    values::Parameters,
};

/// `DELETE tasks/{task}`: with its attachments. A task that is not completed needs `force=true`.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    parameters: Parameters,
    if_match: IfMatch,
) -> Result<Response, ApiError> {
    let is_forced = parameters.flag("force")? == Some(true);
    let key = task_key(&project, &id);
    loop {
        let (task, stored) = find(&service, &project, &requester, &id).await?;
        if !if_match.is_met(Some(&task.etag)) {
            return Ok(failed(&format!("Task '{id}'"), Some(&task.etag)));
        }
        if task.status != Status::Completed && !is_forced {
            let message = format!(
                "Task '{id}' is {}: send force=true to delete a task that is not completed.",
                task.status.as_str()
            );
            return Err(invalid(message, "force"));
        }
        // Replacing it with itself refuses to delete what somebody else has written meanwhile.
        let unchanged = Change::Replace { key: key.clone(), if_etag: stored.etag, doc: stored.doc };
        match service.store().commit(vec![unchanged, Change::Delete { key: key.clone() }]).await {
            Ok(()) => return Ok(StatusCode::NO_CONTENT.into_response()),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
