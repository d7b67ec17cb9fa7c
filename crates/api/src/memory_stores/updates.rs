//! Updates: what was said becomes memories, after a pause in which more may be said.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use cupola_engine::{Millis, ids};
use cupola_store::{Change, Conflict, Listing, Resource, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Memories, checks,
    kinds::{self, TO_DO, UPDATE},
    record::{Status, Update, read},
    said::joined,
    schedule::Job,
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    classic::checks as limits,
    path::{Ids, Project},
    values::{Origin, escaped},
};

/// How long is waited for more, in seconds, where nobody says; and the longest that may be asked for.
const DEFAULT_DELAY: i64 = 300;
const LONGEST_DELAY: i64 = 7 * 24 * 60 * 60;
const OPERATION_LOCATION: HeaderName = HeaderName::from_static("operation-location");

/// What is to become memories.
#[derive(Clone, Debug, Default)]
pub struct NewUpdate {
    /// The store.
    pub store: String,
    /// Whose memories.
    pub scope: String,
    /// What was said.
    pub items: Vec<Value>,
    /// How long is waited for more, in seconds.
    pub delay: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub struct UpdateMemories {
    scope: String,
    items: Option<Value>,
    previous_update_id: Option<String>,
    update_delay: Option<i64>,
}

/// `POST memory_stores/{store}:update_memories`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Origin(origin): Origin,
    Json(body): Json<UpdateMemories>,
) -> Result<Response, ApiError> {
    checks::scope(&body.scope)?;
    if let Some(delay) = body.update_delay {
        limits::integer("update_delay", delay, 0, LONGEST_DELAY)?;
    }
    let memories = service.memories();
    if let Some(previous) = &body.previous_update_id {
        find(memories, &project, &name, previous).await?;
    }
    let new = NewUpdate {
        store: name.clone(),
        scope: body.scope,
        items: checks::items(body.items)?,
        delay: body.update_delay,
    };
    let update = memories.begin_update(&project, new).await?;
    let location = format!(
        "{origin}/api/projects/{}/memory_stores/{}/updates/{}?api-version=v1",
        escaped(&project),
        escaped(&name),
        update.update_id
    );
    let shown = json!({"update_id": update.update_id, "status": update.status});
    let mut response = (StatusCode::ACCEPTED, answer(&shown)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(OPERATION_LOCATION, location);
    }
    Ok(response)
}

/// `GET memory_stores/{store}/updates/{update}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, id]): Ids<2>,
) -> Result<Response, ApiError> {
    Ok(answer(&find(service.memories(), &project, &name, &id).await?.shown()))
}

async fn find(memories: &Memories, project: &Arc<str>, store: &str, id: &str) -> Result<Update, ApiError> {
    memories.find(project, store).await?;
    let found = memories.store().get(&kinds::update(project, id)).await?;
    read(&found.filter(|found| found.parent == store).ok_or_else(|| kinds::no_update(id))?)
}

impl Memories {
    /// Begins an update. One of the same scope that still waits is superseded: what it was about is taken over, and
    /// the pause begins anew.
    pub async fn begin_update(&self, project: &Arc<str>, new: NewUpdate) -> Result<Update, ApiError> {
        let delay = new.delay.unwrap_or(DEFAULT_DELAY).clamp(0, LONGEST_DELAY);
        loop {
            self.find(project, &new.store).await?;
            let waiting = self.waiting(project, &new.store, &new.scope).await?;
            let earlier: Vec<Value> = waiting.iter().flat_map(|(update, _)| update.items.clone()).collect();
            let mut items = joined(&earlier, new.items.clone());
            let surplus = items.len().saturating_sub(checks::MAX_ITEMS);
            items.drain(..surplus);
            let update = Update {
                update_id: ids::new("memupd_"),
                status: Status::Queued,
                store: new.store.clone(),
                scope: new.scope.clone(),
                items,
                due: self.now_millis() + delay * 1000,
                superseded_by: None,
                result: Value::Null,
                error: Value::Null,
            };
            match self.store().commit(self.beginning(project, &update, waiting)).await {
                Ok(()) => {
                    self.schedule_update(project, &update, update.due);
                    return Ok(update);
                }
                Err(StoreError::Conflict(Conflict::Missing(key))) if key.kind == kinds::STORE => {
                    return Err(kinds::no_store(&new.store));
                }
                // One that was waiting is being made by now, or was superseded by somebody else.
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The updates of a scope that wait.
    async fn waiting(
        &self,
        project: &Arc<str>,
        store: &str,
        scope: &str,
    ) -> Result<Vec<(Update, Resource)>, ApiError> {
        let listing = Listing { facet: Some(TO_DO), ..Listing::all(project, UPDATE, store) };
        let mut waiting = Vec::new();
        for found in self.store().list(listing).await?.items {
            let update: Update = read(&found)?;
            if update.scope == scope && update.status == Status::Queued {
                waiting.push((update, found));
            }
        }
        Ok(waiting)
    }

    fn beginning(
        &self,
        project: &Arc<str>,
        update: &Update,
        superseded: Vec<(Update, Resource)>,
    ) -> Vec<Change> {
        let mut changes = vec![Change::RequirePresent { key: kinds::store(project, &update.store) }];
        for (mut other, found) in superseded {
            other.status = Status::Superseded;
            other.superseded_by = Some(update.update_id.clone());
            // What it was about is the other one's now.
            other.items.clear();
            changes.extend(ended(project, &found, &other));
        }
        changes.push(Change::Insert {
            key: kinds::update(project, &update.update_id),
            parent: update.store.clone(),
            facet: TO_DO.to_owned(),
            created_at: self.now(),
            doc: document(update),
            aside: None,
        });
        changes
    }

    /// Has an update made when it is due.
    pub(super) fn schedule_update(&self, project: &Arc<str>, update: &Update, due: Millis) {
        let job = Job {
            project: Arc::clone(project),
            store: update.store.clone(),
            scope: update.scope.clone(),
            update: update.update_id.clone(),
        };
        self.schedule().add(due, job);
    }
}

/// The changes of an update that has come to its end.
pub(super) fn ended(project: &Arc<str>, found: &Resource, update: &Update) -> [Change; 2] {
    let key = kinds::update(project, &update.update_id);
    [
        Change::Replace { key: key.clone(), if_etag: found.etag, doc: document(update) },
        Change::Refile { key, facet: String::new(), weight: 0 },
    ]
}
