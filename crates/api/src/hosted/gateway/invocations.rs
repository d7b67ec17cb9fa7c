//! Invocations: any method and any body, to the container of a session and back.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use cupola_engine::ids;
use percent_encoding::percent_decode_str;

use super::{
    exchange::{Ask, coming},
    headers::{inward, set},
    place::{self, Wanted},
    responses::forward_to,
};
use crate::{
    ApiError, Service,
    hosted::Owner,
    path::{Ids, Project},
};

const INVOCATION: &str = "x-agent-invocation-id";

/// Any method on `/agents/{agent}/endpoint/protocols/invocations`
pub async fn invoke(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name]): Ids<1>,
    request: Request,
) -> Result<Response, ApiError> {
    pass(&service, &project, &owner, &name, "", request).await
}

/// Any method below it
pub async fn invoke_below(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name, rest]): Ids<2>,
    request: Request,
) -> Result<Response, ApiError> {
    pass(&service, &project, &owner, &name, &format!("/{rest}"), request).await
}

async fn pass(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    name: &str,
    below: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let session = parameter(query, "agent_session_id");
    let session = session.as_deref();
    let wanted = Wanted { protocol: "invocations", session, follows: None, version: None };
    let place = place::find(service, project, owner, name, wanted).await?;
    let uri = format!("/invocations{below}{}", query_within(query, &place.session.id));
    let uri = uri.parse().map_err(|_| ApiError::no_such_route())?;
    let mut headers = inward(&parts.headers);
    let asked = parts.headers.get(INVOCATION).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let invocation = asked.unwrap_or_else(|| ids::new("inv_"));
    set(&mut headers, INVOCATION, &invocation);
    let ask = Ask { method: parts.method, uri, headers, body: coming(body) };
    let mut answer = forward_to(service, project, owner, &place, ask).await?;
    let headers = answer.headers_mut();
    if !headers.contains_key(INVOCATION) {
        set(headers, INVOCATION, &invocation);
    }
    set(headers, "x-agent-session-id", &place.session.id);
    Ok(answer)
}

/// A parameter of a query, where it is given.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, value)| *found == name && !value.is_empty())?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// The client's query without what is meant for the platform, and with the session that was chosen.
pub fn query_within(query: &str, session: &str) -> String {
    let own = |pair: &&str| {
        !pair.is_empty() && !pair.starts_with("api-version=") && !pair.starts_with("agent_session_id=")
    };
    let mut pairs: Vec<&str> = query.split('&').filter(own).collect();
    let session = format!("agent_session_id={session}");
    pairs.push(&session);
    format!("?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_sees_the_clients_query_and_the_session_that_was_chosen() {
        assert_eq!(query_within("api-version=v1&a=b&agent_session_id=x", "s"), "?a=b&agent_session_id=s");
        assert_eq!(query_within("", "s"), "?agent_session_id=s");
    }

    #[test]
    fn a_session_is_read_with_its_escapes() {
        assert_eq!(parameter("a=1&agent_session_id=u%3A1", "agent_session_id").as_deref(), Some("u:1"));
        assert_eq!(parameter("agent_session_id=", "agent_session_id"), None);
    }
}
