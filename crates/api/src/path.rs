//! What the path of a request names.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{
        HeaderMap, Request, Uri, header,
        request::Parts,
        uri::{Parts as UriParts, PathAndQuery},
    },
};

use crate::{ApiError, Service};

/// The project of a request. The gate has let the caller into it.
#[derive(Clone, Debug)]
pub struct Project(pub Arc<str>);

impl FromRequestParts<Service> for Project {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::no_such_route)
    }
}

/// The ids in the path, in order, without the project.
#[derive(Clone, Debug)]
pub struct Ids<const N: usize>(pub [String; N]);

impl<const N: usize> FromRequestParts<Service> for Ids<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let params =
            RawPathParams::from_request_parts(parts, service).await.map_err(|_| ApiError::no_such_route())?;
        let own = params.iter().filter(|(name, _)| !matches!(*name, "project" | "bound_agent"));
        let ids = own.map(|(_, id)| id.to_owned());
        let ids = ids.collect::<Vec<_>>().try_into().map_err(|_| ApiError::no_such_route())?;
        Ok(Self(ids))
    }
}

/// The agent that the address itself names, as in `/agents/{name}/endpoint/protocols/openai/responses`.
#[derive(Clone, Debug)]
pub struct BoundAgent(pub Option<String>);

impl FromRequestParts<Service> for BoundAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let params =
            RawPathParams::from_request_parts(parts, service).await.map_err(|_| ApiError::no_such_route())?;
        Ok(Self(params.iter().find(|(name, _)| *name == "bound_agent").map(|(_, agent)| agent.to_owned())))
    }
}

/// Begins a segment that was a verb.
const VERB: char = '~';

/// The verb behind the last id in a path.
pub fn verb(path: &str) -> Option<&str> {
    path.rsplit_once(':').map(|(_, verb)| verb).filter(|verb| !verb.contains('/'))
}

/// The path of an operation as the router knows it: a verb behind the last id is a segment of its own.
pub fn with_verb_apart(path: &str) -> String {
    match path.rsplit_once(':') {
        Some((object, verb)) if !verb.contains('/') => format!("{object}/{VERB}{verb}"),
        _ => path.to_owned(),
    }
}

/// The last segment of the paths that take WebSocket connections. Everywhere else that wish is passed over.
const TALKS_WEBSOCKET: &str = "responses";
/// The verb of requests for such a connection. They have the path of another operation.
const WEBSOCKET: &str = ":websocket";

/// Gives a request the path that the router knows. `verbs` are those that operations have.
pub fn set_verb_apart<B>(mut request: Request<B>, verbs: &[&str]) -> Request<B> {
    let path = request.uri().path();
    // Only operations have verbs; names of blobs may hold anything.
    if !path.starts_with("/api/") {
        return request;
    }
    // `%3A` is how some clients write the colon.
    let path = path.replace("%3A", ":");
    let last = path.rsplit('/').next().unwrap_or_default();
    let mut rewritten = if last == TALKS_WEBSOCKET && wants_websocket(request.headers()) {
        with_verb_apart(&format!("{path}{WEBSOCKET}"))
    } else if verb(&path).is_some_and(|verb| verbs.contains(&verb)) {
        with_verb_apart(&path)
    } else {
        // Ids may hold a colon, too.
        return request;
    };
    if let Some(query) = request.uri().query() {
        rewritten.push('?');
        rewritten.push_str(query);
    }
    if let Ok(path_and_query) = PathAndQuery::try_from(rewritten) {
        let mut parts = UriParts::from(request.uri().clone());
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

fn wants_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_behind_the_last_id_becomes_a_segment() {
        assert_eq!(with_verb_apart("/agents/{agent}:enable"), "/agents/{agent}/~enable");
        assert_eq!(with_verb_apart("/agents/{agent}"), "/agents/{agent}");
    }

    #[test]
    fn a_request_for_a_websocket_is_an_operation_of_its_own() {
        let request = Request::get("https://host/api/projects/p/openai/v1/responses?x=1");
        let request = request.header("upgrade", "WebSocket").body(()).expect("builds");
        let uri = set_verb_apart(request, &[]).uri().to_string();
        assert_eq!(uri, "https://host/api/projects/p/openai/v1/responses/~websocket?x=1");
        let elsewhere = Request::get("/api/projects/p/openai/v1/models").header("upgrade", "websocket");
        let uri = set_verb_apart(elsewhere.body(()).expect("builds"), &[]).uri().to_string();
        assert_eq!(uri, "/api/projects/p/openai/v1/models");
    }

    #[test]
    fn a_request_keeps_its_query() {
        let request = Request::get("https://host/api/projects/p/agents/a%3Aenable?api-version=v1")
            .body(())
            .expect("builds");
        let uri = set_verb_apart(request, &["enable"]).uri().to_string();
        assert_eq!(uri, "https://host/api/projects/p/agents/a/~enable?api-version=v1");
    }

    #[test]
    fn a_colon_in_an_id_is_no_verb() {
        let address = "https://host/api/projects/p/agents/a/endpoint/sessions/user:1";
        let request = Request::get(address).body(()).expect("builds");
        assert_eq!(set_verb_apart(request, &["stop"]).uri().to_string(), address);
    }
}
