//! Responses of hosted agents: the container makes them, and the platform says who asks, which agent it is and
//! under which id.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use cupola_engine::ids;
use serde_json::{Map, Value, json};

use super::{
    exchange::{Ask, ask, whole},
    headers::{inward, set},
    place::{self, Place, Wanted},
};
use crate::{
    ApiError, Call, Service,
    body::document,
    hosted::{Owner, rooms},
    partition::Partition,
    responses::request,
};

/// `POST responses` for a hosted agent.
pub async fn respond(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    (name, version): (&str, Option<&str>),
    headers: &HeaderMap,
    mut body: Map<String, Value>,
) -> Result<Response, ApiError> {
    let conversation = request::conversation(&body)?;
    let previous = request::text(&body, "previous_response_id")?;
    let wanted = Wanted {
        protocol: "responses",
        session: request::text(&body, "agent_session_id")?,
        follows: conversation.as_deref().or(previous),
        version,
    };
    let place = place::find(service, project, owner, name, wanted).await?;
    let anchor = conversation.as_deref().or(previous).and_then(Partition::of);
    let partition = anchor.unwrap_or_else(|| place.session.partition());
    let id = partition.id("caresp_");
    introduce(&mut body, &place, &id);

    let mut headers = inward(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set(&mut headers, "x-agent-response-id", &id);
    let answer = forward_to(
        service,
        project,
        owner,
        &place,
        Ask {
            method: Method::POST,
            uri: Uri::from_static("/responses"),
            headers,
            body: whole(document(&body)),
        },
    )
    .await;
    // Also where it failed, the client learns where it came to.
    let mut answer = answer.unwrap_or_else(ApiError::into_response);
    sign(answer.headers_mut(), &place, &id);
    Ok(answer)
}

/// Another operation on a response, by the container that makes it. `response` is what is stored of it.
pub async fn forward(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    response: &Value,
    (method, below): (Method, &str),
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let id = response["id"].as_str().unwrap_or_default();
    let name = response["agent_reference"]["name"].as_str().unwrap_or_default();
    // Its conversation may meanwhile be in the session of another response.
    let session = response["agent_session_id"].as_str();
    let wanted = Wanted { protocol: "responses", session, follows: Some(id), version: None };
    let place = place::find(service, project, owner, name, wanted).await?;
    let uri = format!("/responses/{id}{below}").parse().map_err(|_| ApiError::missing("Response", id))?;
    let ask = Ask { method, uri, headers: inward(headers), body: whole(Bytes::new()) };
    let answer = forward_to(service, project, owner, &place, ask).await;
    let mut answer = answer.unwrap_or_else(ApiError::into_response);
    sign(answer.headers_mut(), &place, id);
    Ok(answer)
}

/// Asks the container of a session, in the name of its user.
pub async fn forward_to(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    place: &Place,
    mut request: Ask,
) -> Result<Response, ApiError> {
    let Place { agent, hosted, session } = place;
    let visit = rooms::enter(service, project, agent, hosted, session).await?;
    name_call(service, owner, place, &mut request.headers);
    let within = rooms::hosting(service)?.settings().answer_within;
    ask(visit, request, within).await
}

/// Tells the container for whom it works, and under which name it is to call back.
pub fn name_call(service: &Service, owner: &Owner, place: &Place, headers: &mut HeaderMap) {
    let Place { agent, session, .. } = place;
    let call = Call {
        user: owner.0.clone(),
        agent: agent.name.clone(),
        version: agent.version.clone(),
        session: session.id.clone(),
    };
    // The container names the call in what it asks of this service while it answers.
    let id = ids::new("call_");
    service.calls().register(id.as_str(), call, service.clock().now());
    set(headers, "x-agent-foundry-call-id", &id);
    set(headers, "x-agent-user-id", &owner.0);
    set(headers, "x-agent-session-id", &session.id);
}

/// Tells the container which agent it is, in the words of each generation, and which session this is.
fn introduce(body: &mut Map<String, Value>, place: &Place, id: &str) {
    let reference =
        json!({"type": "agent_reference", "name": place.agent.name, "version": place.agent.version});
    body.insert("agent_reference".to_owned(), reference.clone());
    body.shift_remove("agent");
    if place.hosted.is_first_generation() {
        body.insert("agent".to_owned(), reference);
        // Its containers keep conversations, and only if they are told to, which clients leave out: it is the
        // default.
        body.entry("store").or_insert(Value::Bool(true));
        let metadata = body.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("response_id".to_owned(), id.into());
        }
    }
    body.insert("agent_session_id".to_owned(), place.session.id.clone().into());
}

/// Tells the client where its request went.
fn sign(headers: &mut HeaderMap, place: &Place, id: &str) {
    set(headers, "x-agent-session-id", &place.session.id);
    set(headers, "x-agent-response-id", id);
    set(headers, "x-agent-version-resolution", place.agent.version_resolution.as_str());
    set(headers, "x-agent-version-resolved", &place.agent.version);
}
