//! HTTP+JSON: an address for each operation.

use axum::{extract::State, response::Response};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{
    ask::Talk,
    message::history_length,
    proto::{converted, named},
    rpc::sent,
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    path::{Ids, Project},
    storage::Requester,
    values::Parameters,
};

/// `POST …/protocols/a2a/v1/message:send`
pub async fn send(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
    requester: Requester,
    Json(params): Json<Value>,
) -> Result<Response, ApiError> {
    let talk = Talk::begin(service, project, requester, agent).await?;
    Ok(answer(&named(talk.send(&params).await?)))
}

/// `POST …/protocols/a2a/v1/message:stream`
pub async fn stream(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
    requester: Requester,
    Json(params): Json<Value>,
) -> Result<Response, ApiError> {
    let talk = Talk::begin(service, project, requester, agent).await?;
    Ok(sent(talk.stream(&params).await?.map(|update| update.map(named))))
}

/// `GET …/protocols/a2a/v1/tasks/{task}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, task]): Ids<2>,
    requester: Requester,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let talk = Talk::begin(service, project, requester, agent).await?;
    let length = history_length(&json!(parameters.get("historyLength")));
    Ok(answer(&converted(talk.get(&task, length).await?)))
}

/// `POST …/protocols/a2a/v1/tasks/{task}:cancel`
pub async fn cancel(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, task]): Ids<2>,
    requester: Requester,
) -> Result<Response, ApiError> {
    let talk = Talk::begin(service, project, requester, agent).await?;
    Ok(answer(&converted(talk.cancel(&task).await?)))
}

/// `GET …/protocols/a2a/v1/tasks/{task}:subscribe`
pub async fn subscribe(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, task]): Ids<2>,
    requester: Requester,
) -> Result<Response, ApiError> {
    let talk = Talk::begin(service, project, requester, agent).await?;
    Ok(sent(talk.subscribe(&task).await?.map(|update| update.map(named))))
}
