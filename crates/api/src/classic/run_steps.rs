//! Run steps: list and get.

use axum::{extract::State, response::Response};
use cupola_store::Key;

use super::{
    include::Include,
    kinds::{self, RUN, RUN_STEP, THREAD, key},
};
use crate::{
    ApiError, Service,
    body::json,
    listing::{ListQuery, page},
    path::{Ids, Project},
    values::Parameters,
};

/// `GET /threads/{thread}/runs/{run}/steps`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, run]): Ids<2>,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let run = find_run(&service, key(&project, THREAD, thread), key(&project, RUN, run)).await?;
    let listing = query.of(&project, RUN_STEP, &run.id);
    let mut found = service.store().list(listing).await?;
    let include = Include::from_query(&parameters);
    for step in &mut found.items {
        step.doc = include.apply_to_document(std::mem::take(&mut step.doc));
    }
    Ok(page(&found))
}

/// `GET /threads/{thread}/runs/{run}/steps/{step}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, run, step]): Ids<3>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let run = find_run(&service, key(&project, THREAD, thread), key(&project, RUN, run)).await?;
    let step = kinds::find_in(&service, &run, &key(&project, RUN_STEP, step)).await?;
    Ok(json(Include::from_query(&parameters).apply_to_document(step.doc)))
}

async fn find_run(service: &Service, thread: Key, run: Key) -> Result<Key, ApiError> {
    kinds::find_in(service, &thread, &run).await?;
    Ok(run)
}
