//! Lists of agents and of versions.

use axum::{extract::State, response::Response};
use cupola_store::{Key, Listing, Resource};
use cupola_wire::agents::KINDS;
use futures_util::FutureExt;

use super::{
    kinds::{AGENT, AGENT_VERSION, RELEASED, agent_key, find_agent, versions_of},
    record::Record,
};
use crate::{
    ApiError, Service,
    listing::{ListQuery, page},
    path::{Ids, Project},
    sieve,
    values::Parameters,
};

/// `GET /agents`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let kind = parameters.get("kind").map(known_kind).transpose()?;
    let listing = query.of(&project, AGENT, "");
    let read = |stored: &Resource| Record::read(&Key::new(&project, AGENT, stored.id.clone()), stored);
    let wanted = |stored: &Resource| -> Result<bool, ApiError> {
        let Some(kind) = kind else { return Ok(true) };
        Ok(read(stored)?.kind() == kind)
    };
    let mut slice =
        sieve::list(&service, listing, |stored| std::future::ready(wanted(stored)).boxed()).await?;
    for stored in &mut slice.items {
        stored.doc = read(stored)?.shown();
    }
    Ok(page(&slice))
}

fn known_kind(kind: &str) -> Result<&str, ApiError> {
    if KINDS.contains(&kind) {
        return Ok(kind);
    }
    let known = KINDS.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    Err(ApiError::invalid(format!("Invalid value: '{kind}'. Supported values are: {known}."))
        .code("invalid_value")
        .param("kind"))
}

/// `GET /agents/{agent}/versions`
pub async fn list_versions(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let with_drafts = parameters.flag("include_drafts")?.unwrap_or_default();
    let parent = versions_of(&name);
    let listing =
        Listing { facet: (!with_drafts).then_some(RELEASED), ..query.of(&project, AGENT_VERSION, &parent) };
    let slice = service.store().list(listing).await?;
    if slice.items.is_empty() {
        find_agent(&service, &agent_key(&project, &name)).await?;
    }
    Ok(page(&slice))
}
