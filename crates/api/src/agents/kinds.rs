//! Where agents and their versions are found, and the errors for those that are not there.

use std::sync::Arc;

use cupola_store::{Key, Kind, Resource};

use super::record::Record;
use crate::{ApiError, Service};

/// An agent; its id is its name.
pub const AGENT: Kind = Kind::named("agent_v2");
/// A version; its id is `NAME:VERSION`, its parent [`versions_of`] the agent.
pub const AGENT_VERSION: Kind = Kind::named("agent_version");

/// The facet of versions that are not drafts.
pub const RELEASED: &str = "released";
/// The facet of drafts.
pub const DRAFT: &str = "draft";

/// The parent of an agent's versions. Not the name itself: versions are deleted one by one, each with its
/// check.
pub fn versions_of(name: &str) -> String {
    format!("agents/{name}")
}

/// The key of an agent.
pub fn agent_key(project: &Arc<str>, name: &str) -> Key {
    Key::new(project, AGENT, name)
}

/// The key of a version.
pub fn version_key(project: &Arc<str>, name: &str, version: &str) -> Key {
    Key::new(project, AGENT_VERSION, format!("{name}:{version}"))
}

/// 404 for an agent.
pub fn no_agent(name: &str) -> ApiError {
    ApiError::missing("Agent", name)
}

/// 404 for a version.
pub fn no_version(name: &str, version: &str) -> ApiError {
    ApiError::missing("Agent version", &format!("{name}:{version}"))
}

/// An agent with its etag, or its 404.
pub async fn find_agent(service: &Service, key: &Key) -> Result<(Record, i64), ApiError> {
    let found = service.store().get(key).await?.ok_or_else(|| no_agent(&key.id))?;
    Ok((Record::read(key, &found)?, found.etag))
}

/// A version, or the 404 of whichever is not there.
pub async fn find_version(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: &str,
) -> Result<Resource, ApiError> {
    if let Some(found) = service.store().get(&version_key(project, name, version)).await? {
        return Ok(found);
    }
    match service.store().get(&agent_key(project, name)).await? {
        Some(_) => Err(no_version(name, version)),
        None => Err(no_agent(name)),
    }
}
