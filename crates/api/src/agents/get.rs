//! One agent, one version.

use axum::{extract::State, response::Response};

use super::kinds::{agent_key, find_agent, find_version};
use crate::{
    ApiError, Service,
    body::json,
    hosted,
    path::{Ids, Project},
    values::Parameters,
};

/// `GET /agents/{agent}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    let (record, _) = find_agent(&service, &agent_key(&project, &name)).await?;
    Ok(json(record.shown()))
}

/// `GET /agents/{agent}/versions/{version}`
pub async fn get_version(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
) -> Result<Response, ApiError> {
    let found = find_version(&service, &project, &name, &version).await?;
    Ok(json(hosted::with_progress(&service, &project, found.doc)))
}

/// `GET /agents/{agent}/code:download`
pub async fn download_code(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    hosted::download_package(&service, &project, &name, parameters.get("agent_version")).await
}
