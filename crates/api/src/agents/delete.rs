//! The end of an agent, or of one version of it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_store::{Change, Conflict, Key, Listing, Order, Resource, StoreError};
use cupola_wire::agents::{AgentDeleted, AgentVersion, AgentVersionDeleted};

use super::{
    kinds::{AGENT_VERSION, RELEASED, agent_key, find_agent, find_version, version_key, versions_of},
    selector,
};
use crate::{
    ApiError, Service,
    body::answer,
    hosted,
    path::{Ids, Project},
    values::Parameters,
};

/// `DELETE /agents/{agent}`: with all its versions. Active sessions are in the way, unless `force` is given.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let force = is_forced(&parameters)?;
    let key = agent_key(&project, &name);
    find_agent(&service, &key).await?;
    hosted::vacate(&service, &project, &name, None, force).await?;
    loop {
        let (record, etag) = find_agent(&service, &key).await?;
        // Replacing the agent is what holds off a version that is created at the same moment.
        let mut changes = vec![record.replace(&key, etag)];
        let versions = versions(&service, &project, &name, None, usize::MAX).await?;
        let ids: Vec<String> = versions.iter().map(|version| version.id.clone()).collect();
        changes.extend(hosted::give_up(&service, &project, &ids).await?);
        for version in versions {
            changes.push(Change::Delete { key: Key::new(&project, AGENT_VERSION, version.id) });
        }
        changes.push(Change::Delete { key: key.clone() });
        if committed(&service, changes).await? {
            break;
        }
    }
    tidy(&service);
    Ok(answer(&AgentDeleted { object: "agent.deleted".to_owned(), name, deleted: true }))
}

/// `DELETE /agents/{agent}/versions/{version}`: the last one takes the agent with it.
pub async fn delete_version(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let force = is_forced(&parameters)?;
    find_version(&service, &project, &name, &version).await?;
    hosted::vacate(&service, &project, &name, Some(&version), force).await?;
    loop {
        let changes = deletion(&service, &project, &name, &version).await?;
        if committed(&service, changes).await? {
            break;
        }
    }
    tidy(&service);
    let object = "agent.version.deleted".to_owned();
    Ok(answer(&AgentVersionDeleted { object, name, version, deleted: true }))
}

/// Nobody waits until what a version has run is off the disk.
fn tidy(service: &Service) {
    let service = service.clone();
    tokio::spawn(async move { hosted::tidy(&service).await });
}

/// Whether active sessions may be ended. Clients of the previews of 2025 know neither sessions nor a way to say
/// so.
fn is_forced(parameters: &Parameters) -> Result<bool, ApiError> {
    let is_first_generation =
        parameters.get("api-version").is_some_and(|version| version.starts_with("2025-"));
    Ok(parameters.flag("force")?.unwrap_or(is_first_generation))
}

/// Commits, or says that somebody else has changed the agent meanwhile: what is to be done may be something
/// else now.
async fn committed(service: &Service, changes: Vec<Change>) -> Result<bool, ApiError> {
    match service.store().commit(changes).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_) | Conflict::Exists(_))) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

async fn deletion(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: &str,
) -> Result<Vec<Change>, ApiError> {
    let agent = agent_key(project, name);
    let (mut record, etag) = find_agent(service, &agent).await?;
    find_version(service, project, name, version).await?;
    let mut latest = newest_but(service, project, name, version, Some(RELEASED)).await?;
    if latest.is_none() {
        latest = newest_but(service, project, name, version, None).await?;
    }
    let is_last = latest.is_none();
    record.agent.versions.latest = latest;
    selector::forget(&mut record.agent, version);
    let mut changes = vec![record.replace(&agent, etag)];
    let key = version_key(project, name, version);
    changes.extend(hosted::give_up(service, project, std::slice::from_ref(&key.id)).await?);
    changes.push(Change::Delete { key });
    if is_last {
        changes.push(Change::Delete { key: agent });
    }
    Ok(changes)
}

/// The newest version apart from this one.
async fn newest_but(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: &str,
    facet: Option<&str>,
) -> Result<Option<AgentVersion>, ApiError> {
    let id = version_key(project, name, version).id;
    let newest = versions(service, project, name, facet, 2).await?;
    let other = newest.iter().find(|stored| stored.id != id);
    other
        .map(|stored| {
            serde_json::from_slice(&stored.doc).map_err(|error| {
                ApiError::internal(&format!("reading the agent version {}", stored.id), error)
            })
        })
        .transpose()
}

/// The newest versions.
async fn versions(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    facet: Option<&str>,
    limit: usize,
) -> Result<Vec<Resource>, ApiError> {
    let listing = Listing {
        project,
        kind: AGENT_VERSION,
        parent: &versions_of(name),
        facet,
        order: Order::Desc,
        after: None,
        before: None,
        limit,
    };
    Ok(service.store().list(listing).await?.items)
}
