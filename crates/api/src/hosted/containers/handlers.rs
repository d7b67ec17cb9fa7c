//! Starting, changing, stopping and deleting the container of a version, and what became of that.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use cupola_store::Slice;
use serde_json::{Value, json};

use super::{
    container::{self, Container},
    operation::{self, OPERATION, Operation, operations_of},
    scale::{Scale, WantedScale},
    state::{ContainerState, Wish},
    worker::accept,
};
use crate::{
    ApiError, Service, agents,
    body::{Json, answer},
    hosted::{gateway::set_header, rooms},
    listing::ListQuery,
    path::{Ids, Project},
    values::{Origin, Parameters, escaped},
};

/// `POST …/containers/default:start`
pub async fn start(
    State(service): State<Service>,
    Project(project): Project,
    origin: Origin,
    Ids([agent, version]): Ids<2>,
    query: Parameters,
    Json(wanted): Json<WantedScale>,
) -> Result<Response, ApiError> {
    let resolved = agents::resolve(&service, &project, &agent, Some(&version), 0).await?;
    rooms::require_hosted(&service, &resolved)?;
    let scale = wanted.read(Scale::default())?;
    let operation = Operation::new(&agent, &version, Wish::Start, scale);
    accepted(&service, &project, &origin, &query, operation).await
}

/// `POST …/containers/default:update`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    origin: Origin,
    Ids([agent, version]): Ids<2>,
    query: Parameters,
    Json(wanted): Json<WantedScale>,
) -> Result<Response, ApiError> {
    require_version(&service, &project, &agent, &version).await?;
    let found = container::find(&service, &project, &agent, &version).await?;
    let scale = wanted.read(found.map_or_else(Scale::default, |(container, _)| container.scale))?;
    let operation = Operation::new(&agent, &version, Wish::Update, scale);
    accepted(&service, &project, &origin, &query, operation).await
}

/// `POST …/containers/default:stop`
pub async fn stop(
    State(service): State<Service>,
    Project(project): Project,
    origin: Origin,
    Ids([agent, version]): Ids<2>,
    query: Parameters,
) -> Result<Response, ApiError> {
    require_version(&service, &project, &agent, &version).await?;
    let operation = Operation::new(&agent, &version, Wish::Stop, Scale::default());
    accepted(&service, &project, &origin, &query, operation).await
}

/// `POST …/containers/default:delete`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    origin: Origin,
    Ids([agent, version]): Ids<2>,
    query: Parameters,
) -> Result<Response, ApiError> {
    require_version(&service, &project, &agent, &version).await?;
    let operation = Operation::new(&agent, &version, Wish::Delete, Scale::default());
    accepted(&service, &project, &origin, &query, operation).await
}

/// `GET …/containers/default`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, version]): Ids<2>,
) -> Result<Response, ApiError> {
    let container = find(&service, &project, &agent, &version).await?;
    Ok(answer(&container.shown(&project, rooms::hosting(&service)?.fleet())))
}

/// `GET …/containers/default/operations`
pub async fn list_operations(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, version]): Ids<2>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    require_version(&service, &project, &agent, &version).await?;
    let parent = operations_of(&agent);
    let mut listing = query.of(&project, OPERATION, &parent);
    listing.facet = Some(&version);
    page(&service.store().list(listing).await?)
}

/// `GET /agents/{agent}/operations`
pub async fn list_all_operations(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    agents::require(&service, &project, &agent).await?;
    let parent = operations_of(&agent);
    page(&service.store().list(query.of(&project, OPERATION, &parent)).await?)
}

/// `GET /agents/{agent}/operations/{operation}`
pub async fn get_operation(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, id]): Ids<2>,
) -> Result<Response, ApiError> {
    let found = operation::find(&service, &project, &id).await?;
    let found = found.filter(|(operation, _)| operation.agent == agent);
    let (operation, _) = found.ok_or_else(|| ApiError::missing("Operation", &id))?;
    Ok(answer(&operation.shown()))
}

/// The container of a version, or its 404.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    version: &str,
) -> Result<Container, ApiError> {
    let found = container::find(service, project, agent, version).await?;
    let found = found.map(|(container, _)| container);
    match found.filter(|container| container.state != ContainerState::Deleted) {
        Some(container) => Ok(container),
        None => {
            require_version(service, project, agent, version).await?;
            Err(ApiError::missing("The container of the agent version", &format!("{agent}:{version}")))
        }
    }
}

/// Records an operation, and tells where it can be followed.
async fn accepted(
    service: &Service,
    project: &Arc<str>,
    Origin(origin): &Origin,
    query: &Parameters,
    mut operation: Operation,
) -> Result<Response, ApiError> {
    let fleet = rooms::hosting(service)?.fleet();
    let found = container::find(service, project, &operation.agent, &operation.version).await?;
    operation.container = found.map(|(container, _)| container.shown(project, fleet));
    drop(accept(service, project, &operation).await?);
    let api_version = escaped(query.get("api-version").unwrap_or("v1"));
    let location = format!(
        "{origin}/api/projects/{project}/agents/{}/operations/{}?api-version={api_version}",
        escaped(&operation.agent),
        operation.id
    );
    let mut response = (StatusCode::ACCEPTED, answer(&operation.shown())).into_response();
    set_header(response.headers_mut(), "operation-location", &location);
    Ok(response)
}

async fn require_version(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    version: &str,
) -> Result<(), ApiError> {
    agents::require(service, project, agent).await?;
    match service.store().get(&agents::version_key(project, agent, version)).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::missing("Agent version", &format!("{agent}:{version}"))),
    }
}

fn page(slice: &Slice) -> Result<Response, ApiError> {
    let operations = slice.items.iter().map(Operation::read).collect::<Result<Vec<_>, _>>()?;
    let shown: Vec<Value> = operations.iter().map(Operation::shown).collect();
    Ok(answer(&json!({
        "object": "list",
        "data": shown,
        "first_id": operations.first().map(|operation| &operation.id),
        "last_id": operations.last().map(|operation| &operation.id),
        "has_more": slice.has_more,
    })))
}
