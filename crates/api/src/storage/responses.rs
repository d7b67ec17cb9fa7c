//! `storage/responses`: what a container keeps of a response, when it begins and whenever it changes.
//!
//! Each request is one commit, in which the response and the items of its conversation change together.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_store::{Batch, Change, Conflict, Key, Resource, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Call, Requester, ids, open,
    owners::{CALL, hide_from_others, note_call, note_owner},
    placing::{self, Place},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json as json_answer},
    conversations, hosted,
    items::Item,
    listing::ListQuery,
    path::{Ids, Project},
    responses::{self, RESPONSE},
    values::Parameters,
};

/// What a container sends when a response begins, or when it is over at once.
#[derive(Debug, Deserialize)]
pub struct Begun {
    response: Map<String, Value>,
    input_items: Option<Vec<Item>>,
}

/// `POST storage/responses`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    Json(Begun { response, input_items }): Json<Begun>,
) -> Result<Response, ApiError> {
    let id = text(&response, "id").ok_or_else(|| missing("response.id"))?;
    ids::check(id)?;
    let input = input_items.unwrap_or_default();
    loop {
        let owner = owner(&service, &requester, id, &response);
        let changes = creation(&service, &project, (&requester, &owner), id, &response, &input).await?;
        match service.store().commit(changes).await {
            Ok(()) => {
                if !has_ended(&response) {
                    hosted::work(&service, &project, &owner, id).await;
                }
                return Ok((StatusCode::CREATED, answer(&response)).into_response());
            }
            Err(StoreError::Conflict(Conflict::Exists(key))) if key.kind == RESPONSE => {
                return Err(ApiError::conflict(format!("Response '{id}' already exists.")));
            }
            Err(StoreError::Conflict(Conflict::Missing(key))) => {
                return Err(ApiError::missing("Conversation", &key.id));
            }
            // Somebody has stored one of the items at the same moment: it has its place now.
            Err(StoreError::Conflict(Conflict::Exists(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn creation(
    service: &Service,
    project: &Arc<str>,
    (requester, owner): (&Requester, &Call),
    id: &str,
    response: &Map<String, Value>,
    input: &[Item],
) -> Result<Batch, ApiError> {
    let conversation = conversation_of(response);
    let now = service.clock().seconds();
    let created_at = response.get("created_at").and_then(Value::as_i64).unwrap_or(now);
    let mut changes = vec![
        Change::Insert {
            key: Key::new(project, RESPONSE, id),
            parent: String::new(),
            facet: conversation.unwrap_or_default().to_owned(),
            created_at,
            doc: document(response),
            aside: Some(document(&input)),
        },
        note_owner(project, id, owner, created_at),
    ];
    if !has_ended(response) {
        changes.push(open::begun(project, id, owner, created_at));
    }
    if let Some((call_id, call)) = &requester.call
        && service.store().get(&Key::new(project, CALL, call_id.as_str())).await?.is_none()
    {
        changes.push(note_call(project, id, call_id, call, created_at));
    }
    if let Some(conversation) = conversation {
        changes.push(Change::RequirePresent { key: conversations::conversation_key(project, conversation) });
    }
    let mut items = input.to_vec();
    if has_ended(response) {
        items.extend(output_of(response));
    }
    let place = Place { parent: conversation.unwrap_or(id), is_conversation: conversation.is_some() };
    changes.extend(placing::add(service, project, &place, &items, now).await?);
    Ok(changes)
}

/// Whose a new response is. A container that knows no call ids is told apart by the response that it was
/// told to make, and else by its session.
fn owner(service: &Service, requester: &Requester, id: &str, response: &Map<String, Value>) -> Call {
    if let Some((_, call)) = &requester.call {
        return call.clone();
    }
    let sandbox = requester.sandbox.as_ref();
    let named = service.calls().find(id, service.clock().now());
    if let Some(call) = named.filter(|call| sandbox.is_none_or(|sandbox| sandbox.agent == call.agent)) {
        return call;
    }
    if let Some(sandbox) = sandbox.cloned() {
        let (agent, version, session) = (sandbox.agent, sandbox.version, sandbox.session);
        return Call { user: requester.user.clone(), agent, version, session };
    }
    let reference = |field: &str| {
        let reference = response.get("agent_reference").and_then(|reference| reference.get(field));
        reference.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Call {
        user: requester.user.clone(),
        agent: reference("name"),
        version: reference("version"),
        session: text(response, "agent_session_id").unwrap_or_default().to_owned(),
    }
}

/// `POST storage/responses/{response}`: the response as it is now.
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    Json(response): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    ids::check(&id)?;
    if text(&response, "id") != Some(&id) {
        let message = format!("The body has to be the response '{id}': its 'id' says something else.");
        return Err(ApiError::invalid(message).code("invalid_value").param("id"));
    }
    hide_from_others(&service, &project, &requester, &id).await?;
    loop {
        let stored = find(&service, &project, &id).await?;
        let changes = change(&service, &project, &stored, &response).await?;
        match service.store().commit(changes).await {
            Ok(()) => {
                if has_ended(&response) {
                    hosted::rest(&service, &id);
                }
                return Ok(answer(&response));
            }
            Err(StoreError::Conflict(Conflict::Missing(key))) if key.kind == RESPONSE => {
                return Err(responses::not_found(&id));
            }
            // Somebody else was faster: what has to be changed is looked at again.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What changes a response to what it is now, with the items of its conversation.
pub async fn change(
    service: &Service,
    project: &Arc<str>,
    stored: &Resource,
    response: &Map<String, Value>,
) -> Result<Batch, ApiError> {
    let id = stored.id.as_str();
    let before: Map<String, Value> = serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the response {id}"), error))?;
    let had_ended = has_ended(&before);
    if had_ended && !has_ended(response) {
        let (from, to) = (text(&before, "status"), text(response, "status"));
        let message = format!(
            "Response '{id}' has ended as '{}' and can't become '{}'.",
            from.unwrap_or_default(),
            to.unwrap_or_default()
        );
        return Err(ApiError::conflict(message));
    }
    let key = Key::new(project, RESPONSE, id);
    let mut changes = vec![Change::Replace { key, if_etag: stored.etag, doc: document(response) }];
    // The commit that ends the response adds what was answered, so no other one has to.
    if has_ended(response) && !had_ended {
        let conversation = match conversation_of(&before) {
            Some(conversation) => conversation_key_if_present(service, project, conversation).await?,
            None => None,
        };
        let place = match &conversation {
            Some(key) => Place { parent: &key.id, is_conversation: true },
            None => Place { parent: id, is_conversation: false },
        };
        let now = service.clock().seconds();
        changes.extend(placing::add(service, project, &place, &output_of(response), now).await?);
        changes.extend(conversation.map(|key| Change::RequirePresent { key }));
        changes.extend(open::ended(service, project, id).await?);
    }
    Ok(changes)
}

/// A conversation may be deleted while it is being answered; the answer is kept all the same.
async fn conversation_key_if_present(
    service: &Service,
    project: &Arc<str>,
    conversation: &str,
) -> Result<Option<Key>, ApiError> {
    let key = conversations::conversation_key(project, conversation);
    Ok(service.store().get(&key).await?.map(|_| key))
}

/// `GET storage/responses/{response}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
) -> Result<Response, ApiError> {
    ids::check(&id)?;
    hide_from_others(&service, &project, &requester, &id).await?;
    Ok(json_answer(find(&service, &project, &id).await?.doc))
}

/// `GET storage/responses/{response}/input_items`
pub async fn input_items(
    service: State<Service>,
    project: Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    ids::check(&id)?;
    responses::input_items(service, project, Ids([id]), requester, query, parameters).await
}

/// `DELETE storage/responses/{response}`
pub async fn delete(
    service: State<Service>,
    project: Project,
    Ids([id]): Ids<1>,
    requester: Requester,
) -> Result<Response, ApiError> {
    ids::check(&id)?;
    responses::delete(service, project, Ids([id]), requester).await
}

async fn find(service: &Service, project: &Arc<str>, id: &str) -> Result<Resource, ApiError> {
    service.store().get(&Key::new(project, RESPONSE, id)).await?.ok_or_else(|| responses::not_found(id))
}

/// The id of a response's conversation, in whichever form it stands there.
pub fn conversation_of(response: &Map<String, Value>) -> Option<&str> {
    match response.get("conversation")? {
        Value::String(id) => Some(id),
        conversation => conversation.get("id")?.as_str(),
    }
}

/// Whether nothing more will come.
pub fn has_ended(response: &Map<String, Value>) -> bool {
    matches!(text(response, "status"), Some("completed" | "failed" | "incomplete" | "cancelled"))
}

/// The items of a response's answer.
pub fn output_of(response: &Map<String, Value>) -> Vec<Item> {
    let output = response.get("output").and_then(Value::as_array);
    output.into_iter().flatten().filter_map(Value::as_object).cloned().collect()
}

fn text<'r>(response: &'r Map<String, Value>, field: &str) -> Option<&'r str> {
    response.get(field).and_then(Value::as_str)
}

fn missing(param: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{param}'."))
        .code("missing_required_parameter")
        .param(param)
}
