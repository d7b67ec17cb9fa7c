//! Which session a request goes to: the one that it names, the one of its conversation or of the response that it
//! follows, else a new one.

use std::sync::Arc;

use cupola_hosting::Code;
use cupola_store::{Change, Conflict, Key, Kind, StoreError};

use crate::{
    ApiError, Service, agents,
    agents::ResolvedAgent,
    body::document,
    hosted::{
        Owner, containers,
        definition::HostedDefinition,
        rooms,
        session::{self, Session},
        warm,
    },
    partition::Partition,
};

/// Binds a partition of ids to a session, so that what follows comes to the same sandbox.
pub const BINDING: Kind = Kind::named("hosted_binding");

/// What a request says about its session.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// What it is in. No session is made for what an agent does not speak.
    pub protocol: &'static str,
    /// A session by its id.
    pub session: Option<&'a str>,
    /// The conversation or response that it goes on with.
    pub follows: Option<&'a str>,
    /// A version.
    pub version: Option<&'a str>,
}

/// A session, and the agent in the version that the session was made with.
pub struct Place {
    /// The agent.
    pub agent: ResolvedAgent,
    /// Its definition.
    pub hosted: HostedDefinition,
    /// The session.
    pub session: Session,
}

/// Finds the session of a request, or makes it.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    name: &str,
    wanted: Wanted<'_>,
) -> Result<Place, ApiError> {
    let partition = wanted.follows.and_then(Partition::of);
    let id = match (wanted.session, &partition) {
        (Some(chosen), _) => {
            session::check_id(chosen)?;
            Some(chosen.to_owned())
        }
        (None, Some(partition)) => bound(service, project, name, partition).await?,
        (None, None) => None,
    };
    if let Some(id) = &id
        && let Some((session, _)) = session::find(service, project, name, id).await?
    {
        if session.owner != owner.0 {
            return Err(not_accessible(id));
        }
        if session.state.is_usable() {
            let version = Some(session.version.as_str());
            let agent = agents::resolve_by_traffic(service, project, name, version).await?;
            let hosted = require(service, &agent, wanted.protocol)?;
            return Ok(Place { agent, hosted, session });
        }
    }
    let agent = agents::resolve_by_traffic(service, project, name, wanted.version).await?;
    let hosted = require(service, &agent, wanted.protocol)?;
    if wanted.session.is_none()
        && let Some(session) = containers::replica(service, project, &agent, &hosted).await?
    {
        return Ok(Place { agent, hosted, session });
    }
    if id.is_none()
        && partition.is_none()
        && let Some((session, visit)) = warm::take(service, project, &agent, &hosted, &owner.0).await
    {
        keep(service, project, &session, None).await?;
        // From now on it is idle, like any other.
        drop(visit);
        return Ok(Place { agent, hosted, session });
    }
    let session = begin(service, project, owner, &agent, id, partition).await?;
    warm::fill(service, project, &agent, &hosted);
    Ok(Place { agent, hosted, session })
}

/// The definition of an agent whose version can be used, and names this protocol.
fn require(service: &Service, agent: &ResolvedAgent, protocol: &str) -> Result<HostedDefinition, ApiError> {
    let hosted = rooms::require_hosted(service, agent)?;
    if hosted.speaks(protocol) {
        return Ok(hosted);
    }
    let message = format!(
        "The version {} of the agent '{}' does not speak the protocol '{protocol}': its definition does not name \
         it in 'protocol_versions'.",
        agent.version, agent.name
    );
    Err(ApiError::invalid(message).code(Code::ProtocolVersionNotSupported.as_str()))
}

/// Makes a session. Somebody else may make the same one at the same moment; then it is theirs, or nobody's.
async fn begin(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    agent: &ResolvedAgent,
    id: Option<String>,
    partition: Option<Partition>,
) -> Result<Session, ApiError> {
    let id = id.unwrap_or_else(|| session::new_id(&partition.clone().unwrap_or_default()));
    let now = service.clock().seconds();
    let session = Session::new(id, &agent.name, &agent.version, &owner.0, now);
    if keep(service, project, &session, partition).await? {
        return Ok(session);
    }
    match session::find(service, project, &agent.name, &session.id).await? {
        Some((session, _)) if session.owner == owner.0 => Ok(session),
        _ => Err(ApiError::conflict("Another request began this session at the same moment. Try again.")),
    }
}

/// Keeps a new session. What follows its responses comes to it, and so does what follows the same as the request
/// that it was made for. False if somebody else has kept one under its id meanwhile.
pub async fn keep(
    service: &Service,
    project: &Arc<str>,
    session: &Session,
    followed: Option<Partition>,
) -> Result<bool, ApiError> {
    let mut changes = Vec::new();
    if let Some((former, _)) = session::find(service, project, &session.agent, &session.id).await?
        && !former.state.is_usable()
    {
        // A session that has come to its end makes room for one of the same name.
        changes.push(Change::Delete { key: former.key(project) });
    }
    changes.push(session.insert(project));
    let own = session.partition();
    for partition in followed.iter().filter(|followed| **followed != own).chain([&own]) {
        let key = binding_key(project, &session.agent, partition);
        if service.store().get(&key).await?.is_none() {
            changes.push(Change::Insert {
                key,
                parent: session.key(project).id,
                facet: String::new(),
                created_at: session.created_at,
                doc: document(&session.id),
                aside: None,
            });
        }
    }
    match service.store().commit(changes).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict(Conflict::Exists(_) | Conflict::Missing(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn bound(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    partition: &Partition,
) -> Result<Option<String>, ApiError> {
    let stored = service.store().get(&binding_key(project, agent, partition)).await?;
    Ok(stored.and_then(|stored| serde_json::from_slice(&stored.doc).ok()))
}

fn binding_key(project: &Arc<str>, agent: &str, partition: &Partition) -> Key {
    Key::new(project, BINDING, format!("{agent}/{partition}"))
}

fn not_accessible(id: &str) -> ApiError {
    let message = format!("The session '{id}' belongs to another user.");
    ApiError::forbidden("session_not_accessible", message).kind("invalid_request_error")
}
