//! `/containers`: create, list, get, delete.

use axum::{extract::State, response::Response};
use cupola_store::{Resource, Slice};
use cupola_wire::containers::CreateContainer;

use super::{
    fault::ContainerFault,
    kinds::{self, CONTAINER},
    record::{ContainerRecord, memory, read},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    classic::checks as limits,
    listing::{ListQuery, page},
    path::{Ids, Project},
    values::Parameters,
};

/// The most files that a container is made with.
const MOST_FILES: usize = 50;
/// The longest time that a container lives after its last use.
const MOST_MINUTES: i64 = 24 * 60;

/// `POST /containers`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Json(body): Json<CreateContainer>,
) -> Result<Response, ApiError> {
    limits::text("name", Some(&body.name), limits::MAX_NAME)?;
    let uploaded = body.file_ids.clone().unwrap_or_default();
    limits::count("file_ids", uploaded.len(), MOST_FILES)?;
    check(&body)?;
    let containers = service.containers();
    let mut record = containers.new_record(&body.name);
    if let Some(expiry) = &body.expires_after {
        record.minutes = expiry.minutes;
    }
    if let Some(memory_limit) = body.memory_limit {
        record.memory_limit = memory_limit;
    }
    containers.make(&project, &record, &uploaded).await.map_err(|fault| match fault {
        ContainerFault::NoFile(_) => ApiError::from(fault).param("file_ids"),
        fault => fault.into(),
    })?;
    Ok(answer(&record.shown(0, containers.now())))
}

fn check(body: &CreateContainer) -> Result<(), ApiError> {
    if let Some(expiry) = &body.expires_after {
        if expiry.anchor != "last_active_at" {
            return Err(unknown("expires_after.anchor", &expiry.anchor, "'last_active_at'"));
        }
        limits::integer("expires_after.minutes", expiry.minutes, 1, MOST_MINUTES)?;
    }
    if let Some(limit) = body.memory_limit.as_deref().filter(|limit| memory(limit).is_none()) {
        return Err(unknown("memory_limit", limit, "'1g', '4g', '16g' and '64g'"));
    }
    if let Some(policy) = body.network_policy.as_ref().filter(|policy| policy.kind != "disabled") {
        return Err(unknown("network_policy.type", &policy.kind, "'disabled'"));
    }
    if body.skills.as_ref().is_some_and(|skills| !skills.is_empty()) {
        let message = "Skills can't be mounted into containers yet. Leave 'skills' out.";
        return Err(ApiError::invalid(message).code("not_built_yet").param("skills"));
    }
    Ok(())
}

/// 400: a word that is not known.
fn unknown(param: &str, word: &str, known: &str) -> ApiError {
    let message = format!("Invalid value: '{word}'. Supported values are: {known}.");
    ApiError::invalid(message).code("invalid_value").param(param)
}

/// `GET /containers`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let mut listing = query.of(&project, CONTAINER, "");
    listing.facet = parameters.get("name");
    let slice = service.store().list(listing).await?;
    let (containers, now) = (service.containers(), service.containers().now());
    let mut items = Vec::with_capacity(slice.items.len());
    for resource in slice.items {
        let record: ContainerRecord = read(&resource)?;
        let used_at = containers.slots().used_at(&project, &record.id);
        items.push(Resource { doc: document(&record.shown(used_at, now)), ..resource });
    }
    Ok(page(&Slice { items, has_more: slice.has_more }))
}

/// `GET /containers/{container}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container]): Ids<1>,
) -> Result<Response, ApiError> {
    let found = service.store().get(&kinds::container(&project, &container)).await?;
    let found = found.ok_or_else(|| ContainerFault::Missing(container.clone()))?;
    let record: ContainerRecord = read(&found)?;
    let containers = service.containers();
    let used_at = containers.slots().used_at(&project, &container);
    Ok(answer(&record.shown(used_at, containers.now())))
}

/// `DELETE /containers/{container}`: with its files and its interpreter.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container]): Ids<1>,
) -> Result<Response, ApiError> {
    match service.containers().remove(&project, &container).await? {
        true => Ok(answer(&crate::classic::deleted(container, "container.deleted"))),
        false => Err(ContainerFault::Missing(container).into()),
    }
}
