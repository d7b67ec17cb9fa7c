//! Where tasks are found, and who may find them.

use std::sync::Arc;

use cupola_store::{Key, Kind, Resource};

use super::{record::Task, refusal::Refusal};
use crate::{ApiError, Service, storage::Requester};

/// A task; its facet is the agent and the session that it is bound to.
pub const TASK: Kind = Kind::named("task").owning(&[ATTACHMENT]);
/// The value of an attachment; its parent is the task.
pub const ATTACHMENT: Kind = Kind::named("task_attachment");

/// Goes before the id of a task in its key. Containers choose the ids, and take those of responses.
const PREFIX: &str = "tasks/";

/// What the id of a task is in its key.
pub fn stored_id(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// The id of a task by that in its key.
pub fn shown_id(id: &str) -> &str {
    id.strip_prefix(PREFIX).unwrap_or(id)
}

/// The key of a task.
pub fn task_key(project: &Arc<str>, id: &str) -> Key {
    Key::new(project, TASK, stored_id(id))
}

/// The key of the value of an attachment.
pub fn attachment_key(project: &Arc<str>, task: &str, name: &str) -> Key {
    Key::new(project, ATTACHMENT, format!("{}/{name}", stored_id(task)))
}

/// What tasks of a session can be found by.
pub fn binding(agent: &str, session: &str) -> String {
    format!("{agent}/{session}")
}

/// The task with this id, or its 404.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    id: &str,
) -> Result<(Task, Resource), ApiError> {
    let key = task_key(project, id);
    let stored = service.store().get(&key).await?.ok_or_else(|| ApiError::missing("Task", id))?;
    let task = read(&stored)?;
    check_binding(requester, &task)?;
    Ok((task, stored))
}

/// Refuses a sandbox the tasks of other ones: those of its agent, with the word that ends a sandbox which
/// has lost its session; those of other agents as if there were none.
pub fn check_binding(requester: &Requester, task: &Task) -> Result<(), ApiError> {
    let Some(sandbox) = &requester.sandbox else { return Ok(()) };
    if sandbox.agent != task.agent_name {
        return Err(ApiError::missing("Task", &task.id));
    }
    if sandbox.session != task.session_id {
        return Err(Refusal::Unbound(task.id.clone()).into());
    }
    Ok(())
}

/// A task as it was stored.
pub fn read(stored: &Resource) -> Result<Task, ApiError> {
    serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the task {}", stored.id), error))
}

/// Whether there is a task of this id.
pub async fn is_there(service: &Service, project: &Arc<str>, id: &str) -> Result<bool, ApiError> {
    Ok(service.store().get(&task_key(project, id)).await?.is_some())
}
