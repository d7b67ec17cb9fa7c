//! The values of attachments. They can be large, and tasks are written often: so they stand beside the task.

use std::sync::Arc;

use cupola_store::{Batch, Change};
use serde_json::{Map, Value};

use super::{
    kinds::{attachment_key, stored_id},
    record::Task,
    transition::Attachments,
};
use crate::{ApiError, Service, body::document};

/// The changes that go with a change of a task's attachments.
pub async fn changes(
    service: &Service,
    project: &Arc<str>,
    before: Option<&Task>,
    task: &str,
    wanted: Option<&Attachments>,
    created_at: i64,
) -> Result<Batch, ApiError> {
    let none = Map::new();
    let present = before.and_then(|task| task.attachments.as_ref()).unwrap_or(&none);
    let key = |name: &str| attachment_key(project, task, name);
    match wanted {
        None => Ok(Batch::new()),
        Some(Attachments::Clear) => {
            Ok(present.keys().map(|name| Change::Delete { key: key(name) }).collect())
        }
        Some(Attachments::Merge(sent)) => {
            let mut changes = Batch::new();
            for (name, value) in sent {
                let current = match present.contains_key(name) {
                    true => service.store().get(&key(name)).await?,
                    false => None,
                };
                match (current, value) {
                    (None, Value::Null) => {}
                    (Some(_), Value::Null) => changes.push(Change::Delete { key: key(name) }),
                    (Some(current), value) => changes.push(Change::Replace {
                        key: key(name),
                        if_etag: current.etag,
                        doc: document(value),
                    }),
                    (None, value) => changes.push(Change::Insert {
                        key: key(name),
                        parent: stored_id(task),
                        facet: String::new(),
                        created_at,
                        doc: document(value),
                        aside: None,
                    }),
                }
            }
            Ok(changes)
        }
    }
}

/// Puts the values into a task.
pub async fn fill(service: &Service, project: &Arc<str>, task: &mut Task) -> Result<(), ApiError> {
    let Some(attachments) = &mut task.attachments else { return Ok(()) };
    for (name, value) in attachments {
        let key = attachment_key(project, &task.id, name);
        // One that was taken away meanwhile is shown as null.
        let Some(stored) = service.store().get(&key).await? else { continue };
        *value = serde_json::from_slice(&stored.doc)
            .map_err(|error| ApiError::internal(&format!("reading {key}"), error))?;
    }
    Ok(())
}
