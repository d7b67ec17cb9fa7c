//! From a name to a definition: which version of an agent answers a request.

use std::sync::Arc;

use cupola_store::Resource;
use cupola_wire::agents::{AgentState, AgentVersion, AgentVersionStatus};
use rand::RngExt;
use serde_json::{Map, Value};

use super::{
    kinds::{agent_key, find_agent, find_version, no_version},
    record::Record,
    selector,
};
use crate::{ApiError, Service};

/// The version of an agent that answers a request.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedAgent {
    /// The agent's name.
    pub name: String,
    /// The version that answers.
    pub version: String,
    /// `prompt`, `workflow`, …
    pub kind: String,
    /// What the agent is in this version, `kind` among its fields.
    pub definition: Map<String, Value>,
    /// How the version was chosen.
    pub version_resolution: VersionResolution,
    /// Whether it can be used.
    pub status: AgentVersionStatus,
    /// What else is known of the version.
    pub extra: Map<String, Value>,
}

/// How a version was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionResolution {
    /// Nobody said which: the newest one that is not a draft.
    Latest,
    /// The request or the agent's selector said which.
    Pinned,
}

impl VersionResolution {
    /// The wire's word, as in the header `x-agent-version-resolution`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Pinned => "pinned",
        }
    }
}

/// The version that answers: the one that the request names, else the one that the agent's selector chooses
/// with this random number, else the latest. An agent that is disabled answers nothing.
pub async fn resolve(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: Option<&str>,
    random: u64,
) -> Result<ResolvedAgent, ApiError> {
    let (record, _) = find_agent(service, &agent_key(project, name)).await?;
    if record.agent.state == AgentState::Disabled {
        return Err(disabled(name));
    }
    let pinned = version.or_else(|| selector::choose(&record.agent, random));
    let (version, version_resolution) = match (pinned, record.latest()) {
        (None, Some(latest)) => (latest.clone(), VersionResolution::Latest),
        (None, None) => return Err(no_version(name, "latest")),
        (Some(pinned), Some(latest)) if latest.version == pinned => {
            (latest.clone(), VersionResolution::Pinned)
        }
        (Some(pinned), _) => {
            let stored = find_version(service, project, name, pinned).await?;
            (read(&stored)?, VersionResolution::Pinned)
        }
    };
    Ok(ResolvedAgent {
        name: version.name,
        version: version.version,
        kind: version.definition.kind().to_owned(),
        definition: version.definition.into_fields(),
        version_resolution,
        status: version.status,
        extra: version.extra,
    })
}

/// [`resolve`] with a number of its own.
pub async fn resolve_by_traffic(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    version: Option<&str>,
) -> Result<ResolvedAgent, ApiError> {
    let random = rand::rng().random();
    resolve(service, project, name, version, random).await
}

/// Whether an agent is hosted. One that does not exist is not.
pub async fn is_hosted(service: &Service, project: &Arc<str>, name: &str) -> Result<bool, ApiError> {
    let key = agent_key(project, name);
    let Some(stored) = service.store().get(&key).await? else { return Ok(false) };
    Ok(Record::read(&key, &stored)?.kind() == "hosted")
}

/// That there is an agent of this name, or its 404.
pub async fn require(service: &Service, project: &Arc<str>, name: &str) -> Result<(), ApiError> {
    find_agent(service, &agent_key(project, name)).await.map(drop)
}

fn read(stored: &Resource) -> Result<AgentVersion, ApiError> {
    serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the agent version {}", stored.id), error))
}

fn disabled(name: &str) -> ApiError {
    let message = format!(
        "This agent is currently stopped and doesn't accept any requests. Enable '{name}' to use it again."
    );
    ApiError::forbidden("AgentDisabled", message).kind("error")
}
