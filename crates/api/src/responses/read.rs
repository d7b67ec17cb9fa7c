//! Responses that exist: get, stream again, list, input items, cancel, delete.

use axum::{
    extract::State,
    http::{HeaderMap, Method},
    response::Response,
};
use bytes::Bytes;
use cupola_engine::CommandError;
use cupola_store::{Change, Conflict, Key, Listing, Order, Resource, StoreError, TurnKey};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{
    create::find,
    history::History,
    kinds::{RESPONSE, not_found},
};
use crate::{
    ApiError, Service,
    body::{answer, document, json as json_answer},
    frames::stream,
    hosted,
    items::{Include, Item},
    listing::{ListQuery, page},
    path::{Ids, Project},
    sieve,
    storage::{Requester, hide_from_others, is_hosted, is_visible},
    values::Parameters,
};

/// `GET responses/{response}`: the response, or with `stream=true` its events, from behind
/// `starting_after` on.
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    hide_from_others(&service, &project, &requester, &id).await?;
    let response = find(&service, &project, &id).await?;
    if parameters.flag("stream")? != Some(true) {
        return Ok(json_answer(Include::from_query(&parameters).apply_to_response(response)));
    }
    let value: Value = serde_json::from_slice(&response).unwrap_or_default();
    if is_hosted(&id) {
        let after = parameters.get("starting_after").map(|after| format!("&starting_after={after}"));
        let below = format!("?stream=true{}", after.unwrap_or_default());
        let asked = (Method::GET, below.as_str());
        return hosted::forward(&service, &project, &requester.into(), &value, asked, &headers).await;
    }
    if value["background"] != true {
        let message =
            "Only the events of responses that were created with background=true can be read again.";
        return Err(ApiError::invalid(message).code("invalid_value").param("stream"));
    }
    let first = match parameters.get("starting_after") {
        None => 0,
        Some(number) => {
            let number: i64 = number.parse().map_err(|_| {
                let message =
                    format!("Invalid type for 'starting_after': expected an integer, but got '{number}'.");
                ApiError::invalid(message).code("invalid_type").param("starting_after")
            })?;
            number.saturating_add(1).max(0)
        }
    };
    match service.engine().attach(TurnKey { project, id: id.clone() }, first).await {
        Ok(frames) => Ok(stream(frames)),
        Err(CommandError::Unknown) => Err(not_found(&id)),
        Err(error) => Err(error.into()),
    }
}

/// `GET responses`: Foundry's list, by conversation and by agent.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let agent = parameters.get("agent_name").or(parameters.get("agent_id"));
    let listing = Listing { facet: parameters.get("conversation_id"), ..query.of(&project, RESPONSE, "") };
    let (service, project, requester) = (&service, &project, &requester);
    let found = sieve::list(service, listing, |resource| {
        let is_wanted = agent.is_none_or(|agent| is_of_agent(resource, agent));
        let id = resource.id.clone();
        async move { Ok(is_wanted && is_visible(service, project, requester, &id).await?) }.boxed()
    });
    let mut found = found.await?;
    let include = Include::from_query(&parameters);
    for response in &mut found.items {
        response.doc = include.apply_to_response(std::mem::take(&mut response.doc));
    }
    Ok(page(&found))
}

fn is_of_agent(resource: &Resource, agent: &str) -> bool {
    let response: Value = serde_json::from_slice(&resource.doc).unwrap_or_default();
    let reference = &response["agent_reference"];
    let name = reference["name"].as_str().unwrap_or_default();
    let version = reference["version"].as_str().unwrap_or_default();
    name == agent || format!("{name}:{version}") == agent
}

/// `GET responses/{response}/input_items`
pub async fn input_items(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    hide_from_others(&service, &project, &requester, &id).await?;
    find(&service, &project, &id).await?;
    let mut items = History::new(service.store().clone()).input(&project, &id).await?;
    if query.order == Order::Desc {
        items.reverse();
    }
    let place = |id: &str| items.iter().position(|item| item.get("id").and_then(Value::as_str) == Some(id));
    let unknown = |id: &str| ApiError::from(StoreError::UnknownCursor(id.to_owned()));
    let begin = match &query.after {
        Some(after) => place(after).ok_or_else(|| unknown(after))? + 1,
        None => 0,
    };
    let end = match &query.before {
        Some(before) => place(before).ok_or_else(|| unknown(before))?,
        None => items.len(),
    };
    let include = Include::from_query(&parameters);
    let within = items.get(begin..end.max(begin)).unwrap_or_default();
    let has_more = within.len() > query.limit;
    let mut data = within.iter().take(query.limit).cloned().collect::<Vec<_>>();
    data.iter_mut().for_each(|item| include.apply(item));
    let id_of = |item: Option<&Item>| item.and_then(|item| item.get("id")).cloned();
    Ok(answer(&json!({
        "object": "list",
        "first_id": id_of(data.first()),
        "last_id": id_of(data.last()),
        "has_more": has_more,
        "data": data,
    })))
}

/// `POST responses/{response}/cancel`
pub async fn cancel(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    hide_from_others(&service, &project, &requester, &id).await?;
    let response: Value = serde_json::from_slice(&find(&service, &project, &id).await?).unwrap_or_default();
    if is_hosted(&id) {
        let asked = (Method::POST, "/cancel");
        return hosted::forward(&service, &project, &requester.into(), &response, asked, &headers).await;
    }
    if response["background"] != true {
        return Err(ApiError::invalid("Cannot cancel a synchronous response.").code("invalid_payload"));
    }
    if response["status"] == "cancelled" {
        return Ok(answer(&response));
    }
    match service.engine().cancel(TurnKey { project: project.clone(), id: id.clone() }).await {
        Ok(_) => {
            let settled = settled(&service, &project, &id).await?;
            Ok(json_answer(Include::default().apply_to_response(settled)))
        }
        Err(CommandError::Refused(_)) => {
            let response: Value =
                serde_json::from_slice(&find(&service, &project, &id).await?).unwrap_or_default();
            match response["status"].as_str() {
                Some("cancelled") => Ok(answer(&response)),
                status => {
                    let status = status.unwrap_or("completed");
                    Err(ApiError::invalid(format!("Cannot cancel a {status} response."))
                        .code("invalid_payload"))
                }
            }
        }
        Err(CommandError::Unknown) => Err(not_found(&id)),
        Err(error) => Err(error.into()),
    }
}

/// The response once its cancellation is through: the events end with it.
async fn settled(service: &Service, project: &std::sync::Arc<str>, id: &str) -> Result<Bytes, ApiError> {
    let key = TurnKey { project: project.clone(), id: id.to_owned() };
    if let Ok(mut frames) = service.engine().attach(key, i64::MAX / 2).await {
        while frames.recv().await.is_some() {}
    }
    find(service, project, id).await
}

/// `DELETE responses/{response}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
) -> Result<Response, ApiError> {
    hide_from_others(&service, &project, &requester, &id).await?;
    match service
        .store()
        .commit(vec![Change::Delete { key: Key::new(&project, RESPONSE, id.as_str()) }])
        .await
    {
        Ok(()) => Ok(json_answer(document(&json!({"id": id, "object": "response", "deleted": true})))),
        Err(StoreError::Conflict(Conflict::Missing(_))) => Err(not_found(&id)),
        Err(error) => Err(error.into()),
    }
}
