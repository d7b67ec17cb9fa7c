//! What the service has and this one does not have yet. Saying so is better than a route that is not there.

use axum::{extract::State, response::Response};

use super::kinds::{agent_key, find_agent};
use crate::{
    ApiError, Service,
    path::{Ids, Project},
};

/// `POST /agents:import`
pub async fn import() -> ApiError {
    from_manifest()
}

/// `POST /agents/{agent}/import`
pub async fn import_into(Ids([_]): Ids<1>) -> ApiError {
    from_manifest()
}

/// `POST /agents/{agent}/versions:import`
pub async fn import_version(Ids([_]): Ids<1>) -> ApiError {
    from_manifest()
}

/// `POST /agents:generate`
pub async fn generate() -> ApiError {
    not_built(
        "Generating an agent from a prompt is not built yet. Create a version with a definition instead.",
    )
}

/// `GET /agents/{agent}/code:download`: no agent has code, because none can be made of it yet.
pub async fn download_code(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    find_agent(&service, &agent_key(&project, &name)).await?;
    Err(ApiError::conflict(format!(
        "The agent '{name}' was not created from code; there is none to download."
    ))
    .code("AgentNotCodeBased"))
}

/// A code package as the body of a new version.
pub fn code_package() -> ApiError {
    not_built(
        "Creating an agent from a code package is not built yet. \
         Send the definition as JSON (Content-Type: application/json).",
    )
}

fn from_manifest() -> ApiError {
    not_built(
        "Creating an agent from a manifest is not built yet. Create a version with its definition instead.",
    )
}

fn not_built(message: &str) -> ApiError {
    ApiError::invalid(message).code("not_built_yet")
}
