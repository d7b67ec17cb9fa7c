//! What becomes of versions that take a while to be made.

use std::sync::Arc;

use bytes::Bytes;
use cupola_hosting::Failure;
use cupola_store::{Change, Conflict, Key, Kind, Listing, Resource, StoreError};
use cupola_wire::agents::{AgentVersion, AgentVersionStatus};
use serde_json::json;

use super::{
    kinds::{AGENT, AGENT_VERSION, agent_key, find_agent, version_key, versions_of},
    record::Record,
};
use crate::{ApiError, Service, body::document};

/// Says what became of a version, in one commit with the note of what it runs. A version that was deleted
/// meanwhile stays deleted; then this says false.
pub async fn settle(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    number: &str,
    outcome: Result<(), Failure>,
    note: Option<Change>,
) -> Result<bool, ApiError> {
    let failure = outcome.err();
    let status = match failure {
        None => AgentVersionStatus::Active,
        Some(_) => AgentVersionStatus::Failed,
    };
    let (agent, version) = (agent_key(project, name), version_key(project, name, number));
    loop {
        let Some(stored) = service.store().get(&version).await? else { return Ok(false) };
        let mut settled = read(&stored)?;
        set(&mut settled, status, failure.as_ref());
        let (mut record, etag) = find_agent(service, &agent).await?;
        if let Some(latest) = &mut record.agent.versions.latest
            && latest.id == settled.id
        {
            *latest = settled.clone();
        }
        let mut changes = vec![
            record.replace(&agent, etag),
            Change::Replace { key: version.clone(), if_etag: stored.etag, doc: document(&settled) },
        ];
        changes.extend(note.clone());
        match service.store().commit(changes).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives a version a status, under both names that clients look for.
pub fn set(version: &mut AgentVersion, status: AgentVersionStatus, failure: Option<&Failure>) {
    version.status = status;
    version.extra.insert("state".to_owned(), json!(status));
    match failure {
        Some(failure) => {
            let error = json!({"code": failure.code.as_str(), "message": failure.message});
            version.extra.insert("error".to_owned(), error);
        }
        None => {
            version.extra.shift_remove("error");
        }
    }
}

/// The names of agents that are hosted, or were in an earlier version.
pub async fn hosted_names(service: &Service, project: &Arc<str>) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    for stored in all(service, project, AGENT, "").await? {
        let record = Record::read(&Key::new(project, AGENT, stored.id.clone()), &stored)?;
        if record.was_ever_hosted() {
            names.push(record.agent.name);
        }
    }
    Ok(names)
}

/// All versions of hosted agents.
pub async fn hosted_versions(service: &Service, project: &Arc<str>) -> Result<Vec<AgentVersion>, ApiError> {
    let mut versions = Vec::new();
    for name in hosted_names(service, project).await? {
        for stored in all(service, project, AGENT_VERSION, &versions_of(&name)).await? {
            versions.push(read(&stored)?);
        }
    }
    versions.retain(|version| version.definition.kind() == "hosted");
    Ok(versions)
}

async fn all(service: &Service, project: &str, kind: Kind, parent: &str) -> Result<Vec<Resource>, ApiError> {
    Ok(service.store().list(Listing::all(project, kind, parent)).await?.items)
}

fn read(stored: &Resource) -> Result<AgentVersion, ApiError> {
    let doc: &Bytes = &stored.doc;
    serde_json::from_slice(doc)
        .map_err(|error| ApiError::internal(&format!("reading the agent version {}", stored.id), error))
}
