//! The end of an agent, or of one version of it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_store::{Change, Conflict, Key, Listing, Order, StoreError};
use cupola_wire::agents::{AgentDeleted, AgentVersion, AgentVersionDeleted};

use super::{
    kinds::{AGENT_VERSION, RELEASED, agent_key, find_agent, find_version, no_agent, version_key},
    selector,
};
use crate::{
    ApiError, Service,
    body::answer,
    path::{Ids, Project},
    values::Parameters,
};

/// `DELETE /agents/{agent}`: with all its versions. `force` is for agents that hold sessions; these hold none.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    parameters.flag("force")?;
    match service.store().submit(vec![Change::Delete { key: agent_key(&project, &name) }]).await {
        Ok(()) => Ok(answer(&AgentDeleted { object: "agent.deleted".to_owned(), name, deleted: true })),
        Err(StoreError::Conflict(_)) => Err(no_agent(&name)),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /agents/{agent}/versions/{version}`: the last one takes the agent with it.
pub async fn delete_version(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    parameters.flag("force")?;
    loop {
        let changes = deletion(&service, &project, &name, &version).await?;
        match service.store().submit(changes).await {
            Ok(()) => break,
            // The agent was changed meanwhile: what is its latest version may be another one now.
            Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let object = "agent.version.deleted".to_owned();
    Ok(answer(&AgentVersionDeleted { object, name, version, deleted: true }))
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
    let latest = newest_but(service, project, name, version, Some(RELEASED)).await?;
    let is_last = latest.is_none() && newest_but(service, project, name, version, None).await?.is_none();
    record.agent.versions.latest = latest;
    selector::forget(&mut record.agent, version);
    // Replacing the agent is what holds off a version that is created at the same moment.
    let guard = record.replace(&agent, etag);
    let key = if is_last { agent } else { version_key(project, name, version) };
    Ok(vec![guard, Change::Delete { key }])
}

/// The newest version apart from this one.
async fn newest_but(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: &str,
    facet: Option<&str>,
) -> Result<Option<AgentVersion>, ApiError> {
    let listing = Listing {
        project,
        kind: AGENT_VERSION,
        parent: name,
        facet,
        order: Order::Desc,
        after: None,
        before: None,
        limit: 2,
    };
    let id = version_key(project, name, version).id;
    let slice = service.store().list(listing).await?;
    let other = slice.items.iter().find(|stored| stored.id != id);
    other
        .map(|stored| {
            let key = Key::new(project, AGENT_VERSION, stored.id.clone());
            serde_json::from_slice(&stored.doc)
                .map_err(|error| ApiError::internal(&format!("reading {key}"), error))
        })
        .transpose()
}
