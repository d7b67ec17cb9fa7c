//! Creating, showing, stopping and deleting sessions.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use cupola_store::Listing;
use serde::Deserialize;
use serde_json::json;

use super::{
    id, keeper,
    record::{self, SESSION, Session, session_key, sessions_of},
    state::SessionEvent,
};
use crate::{
    ApiError, Service, agents,
    body::{Json, answer},
    hosted::{gateway, owner::Owner, rooms, warm},
    listing::ListQuery,
    partition::Partition,
    path::{Ids, Project},
};

/// The body that creates a session.
#[derive(Debug, Default, Deserialize)]
pub struct NewSession {
    #[serde(default)]
    agent_session_id: Option<String>,
    #[serde(default)]
    version_indicator: Option<VersionIndicator>,
}

#[derive(Debug, Deserialize)]
struct VersionIndicator {
    #[serde(default)]
    agent_version: Option<String>,
}

/// `POST /agents/{agent}/endpoint/sessions`: answers once the sandbox is ready.
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name]): Ids<1>,
    Json(new): Json<NewSession>,
) -> Result<Response, ApiError> {
    let version = new.version_indicator.and_then(|indicator| indicator.agent_version);
    let agent = agents::resolve_by_traffic(&service, &project, &name, version.as_deref()).await?;
    let hosted = rooms::require_hosted(&service, &agent)?;
    let begun =
        |id: String| Session::new(id, &agent.name, &agent.version, &owner.0, service.clock().seconds());
    let (session, visit) = match new.agent_session_id {
        Some(chosen) => {
            id::check(&chosen)?;
            (begun(chosen), None)
        }
        None => match warm::take(&service, &project, &agent, &hosted, &owner.0).await {
            Some((session, visit)) => (session, Some(visit)),
            None => (begun(id::new(&Partition::new())), None),
        },
    };
    if !gateway::keep(&service, &project, &session, None).await? {
        return Err(ApiError::conflict(format!("A session with the id '{}' exists.", session.id)));
    }
    // The visit ends at once: the session is ready, and its idle time begins.
    match visit {
        Some(visit) => drop(visit),
        None => drop(rooms::enter(&service, &project, &agent, &hosted, &session).await?),
    }
    let session = find(&service, &project, &owner, &name, &session.id).await?;
    Ok((StatusCode::CREATED, answer(&session.shown())).into_response())
}

/// `GET /agents/{agent}/endpoint/sessions`: the caller's own, oldest first.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name]): Ids<1>,
    query: SessionQuery,
) -> Result<Response, ApiError> {
    agents::require(&service, &project, &name).await?;
    let SessionQuery(mut query) = query;
    let in_store = |id: String| session_key(&project, &name, &id).id;
    query.after = query.after.map(in_store);
    query.before = query.before.map(in_store);
    let parent = sessions_of(&name);
    let own = Listing { facet: Some(&owner.0), ..query.of(&project, SESSION, &parent) };
    let slice = service.store().list(own).await?;
    let sessions = slice.items.iter().map(Session::read).collect::<Result<Vec<_>, _>>()?;
    Ok(answer(&json!({
        "object": "list",
        "data": sessions.iter().map(Session::shown).collect::<Vec<_>>(),
        "first_id": sessions.first().map(|session| &session.id),
        "last_id": sessions.last().map(|session| &session.id),
        "has_more": slice.has_more,
    })))
}

/// The query of a list of sessions: like others, but oldest first unless it says otherwise.
pub struct SessionQuery(ListQuery);

impl axum::extract::FromRequestParts<Service> for SessionQuery {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        service: &Service,
    ) -> Result<Self, ApiError> {
        let mut query = ListQuery::from_request_parts(parts, service).await?;
        let says = parts.uri.query().unwrap_or_default().split('&').any(|pair| pair.starts_with("order="));
        if !says {
            query.order = cupola_store::Order::Asc;
        }
        Ok(Self(query))
    }
}

/// `GET /agents/{agent}/endpoint/sessions/{session}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name, id]): Ids<2>,
) -> Result<Response, ApiError> {
    Ok(answer(&find(&service, &project, &owner, &name, &id).await?.shown()))
}

/// `POST /agents/{agent}/endpoint/sessions/{session}:stop`: its files are kept.
pub async fn stop(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name, id]): Ids<2>,
) -> Result<StatusCode, ApiError> {
    let session = find(&service, &project, &owner, &name, &id).await?;
    rooms::leave(&service, &project, &session).await?;
    // Who came while it was stopped has started it again.
    if !rooms::hosting(&service)?.fleet().has(&session.guid) {
        keeper::mark(&service, &project, &name, &id, SessionEvent::Stopped).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /agents/{agent}/endpoint/sessions/{session}`: also fine where there is none.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name, id]): Ids<2>,
) -> Result<StatusCode, ApiError> {
    let found = record::find(&service, &project, &name, &id).await?;
    if let Some((session, _)) = found.filter(|(session, _)| session.owner == owner.0) {
        rooms::remove(&service, &project, &session).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A session of the caller, or its 404: whose it is otherwise is nobody's business.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    agent: &str,
    id: &str,
) -> Result<Session, ApiError> {
    match record::find(service, project, agent, id).await? {
        Some((session, _)) if session.owner == owner.0 => Ok(session),
        _ => {
            agents::require(service, project, agent).await?;
            Err(ApiError::missing("Session", id))
        }
    }
}
