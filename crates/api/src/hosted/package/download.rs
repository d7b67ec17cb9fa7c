//! The code package of a version, back to its owner.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use tokio_util::io::ReaderStream;

use super::Package;
use crate::{
    ApiError, Service,
    agents::{self, ResolvedAgent},
    hosted::{
        definition::{HostedDefinition, HostedProgram},
        gateway::set_header,
        rooms,
    },
};

/// The package of an agent's version; of the one that traffic goes to where none is named.
pub async fn download(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: Option<&str>,
) -> Result<Response, ApiError> {
    let agent = agents::resolve_by_traffic(service, project, name, version).await?;
    let none = || {
        ApiError::conflict(format!(
            "The agent '{name}' was not created from code; there is none to download."
        ))
        .code("AgentNotCodeBased")
    };
    let digest = digest_of(service, &agent)?.ok_or_else(none)?;
    let package = Package::of(&rooms::hosting(service)?.packages(), &digest);
    let file = tokio::fs::File::open(package.zip()).await;
    let file = file.map_err(|error| ApiError::internal("reading a code package", error))?;
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=code.zip"));
    set_header(headers, "x-ms-agent-version", &agent.version);
    set_header(headers, "x-ms-code-zip-sha256", &digest);
    Ok(response)
}

fn digest_of(service: &Service, agent: &ResolvedAgent) -> Result<Option<String>, ApiError> {
    if agent.kind != "hosted" {
        return Ok(None);
    }
    let hosting = rooms::hosting(service)?;
    match HostedDefinition::read(&agent.definition, hosting.settings())?.program {
        HostedProgram::Code { content_hash, .. } => Ok(content_hash),
        HostedProgram::Image { .. } => Ok(None),
    }
}
