//! JSON-RPC: one address for every method.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};

use super::{
    ask::Talk,
    card::{card_of, open},
    fault::Fault,
    message::history_length,
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    path::{Ids, Project},
    storage::Requester,
    values::Origin,
};

/// `POST …/protocols/a2a`
pub async fn call(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
    requester: Requester,
    Origin(origin): Origin,
    body: Result<Json<Value>, ApiError>,
) -> Result<Response, ApiError> {
    let talk = Talk::begin(service.clone(), project.clone(), requester, agent.clone()).await?;
    let body = match body {
        Ok(Json(body)) => body,
        Err(error) => {
            let fault = Fault::not_json(error.detail().message.clone());
            return Ok(answer(&failure(&Value::Null, &fault)));
        }
    };
    let id = body["id"].clone();
    let result = match method_of(&body) {
        Ok("message/stream") => match talk.stream(&body["params"]).await {
            Ok(updates) => return Ok(streamed(id, updates)),
            Err(fault) => Err(fault),
        },
        Ok("tasks/resubscribe") => match task_id(&body["params"]) {
            Ok(task) => match talk.subscribe(task).await {
                Ok(updates) => return Ok(streamed(id, updates)),
                Err(fault) => Err(fault),
            },
            Err(fault) => Err(fault),
        },
        Ok("agent/getAuthenticatedExtendedCard") => {
            Ok(card_of(&open(&service, &project, &agent).await?, &origin, &project))
        }
        Ok(method) => once(&talk, method, &body["params"]).await,
        Err(fault) => Err(fault),
    };
    Ok(answer(&match result {
        Ok(result) => success(&id, result),
        Err(fault) => failure(&id, &fault),
    }))
}

/// The methods that are answered once.
async fn once(talk: &Talk, method: &str, params: &Value) -> Result<Value, Fault> {
    match method {
        "message/send" => talk.send(params).await,
        "tasks/get" => talk.get(task_id(params)?, history_length(&params["historyLength"])).await,
        "tasks/cancel" => talk.cancel(task_id(params)?).await,
        method if method.starts_with("tasks/pushNotificationConfig/") => Err(Fault::no_push()),
        method => Err(Fault::no_method(method)),
    }
}

fn method_of(body: &Value) -> Result<&str, Fault> {
    if !body.is_object() || body["jsonrpc"] != "2.0" {
        return Err(Fault::no_request("The body has to be one object with \"jsonrpc\": \"2.0\"."));
    }
    if !matches!(body["id"], Value::Null | Value::String(_) | Value::Number(_)) {
        return Err(Fault::no_request("'id' has to be a string or a number."));
    }
    body["method"].as_str().ok_or_else(|| Fault::no_request("'method' has to be a string."))
}

fn task_id(params: &Value) -> Result<&str, Fault> {
    params["id"].as_str().ok_or_else(|| Fault::wrong("'id' has to be the id of a task."))
}

fn success(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn failure(id: &Value, fault: &Fault) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": fault.as_rpc()})
}

fn streamed(id: Value, updates: impl Stream<Item = Option<Value>> + Send + 'static) -> Response {
    sent(updates.map(move |update| update.map(|update| success(&id, update))))
}

/// Objects as server-sent events; nothing is a sign of life.
pub fn sent(objects: impl Stream<Item = Option<Value>> + Send + 'static) -> Response {
    let frames = objects.map(|object| {
        Ok::<_, std::convert::Infallible>(match object {
            Some(object) => Bytes::from([b"data: ", &*document(&object), b"\n\n"].concat()),
            None => Bytes::from_static(b": ping\n\n"),
        })
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer would hold the pieces back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
