//! `POST responses/compact`: a conversation made shorter. What the user said stays; a summary, which only this
//! service can read, stands for everything.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_engine::{Begin, Durable, Listen, TurnSpec};
use cupola_models::{ResponseFormat, ToolChoice};
use cupola_store::TurnKey;
use serde_json::{Map, Value, json};

use super::{
    create::{Prepared, prepare},
    history::{History, Place},
    memory::Memory,
    summary::{Outcome, Summary},
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    items::{Item, compaction, prefix},
    path::{BoundAgent, Project},
    storage::Requester,
};

/// What the model is asked, after everything that was said.
const REQUEST: &str = "Summarize the conversation above, so that it can go on from your summary alone. Keep what \
    the user wants, what was decided and why, facts, names, numbers and identifiers word for word, results of \
    tools, and what is still to be done. Leave out greetings and repetitions. If there is a summary of something \
    earlier, take it over into yours. Answer with the summary and nothing else.";

/// `POST responses/compact`
pub async fn compact(
    State(service): State<Service>,
    Project(project): Project,
    BoundAgent(bound): BoundAgent,
    requester: Requester,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let prepared = prepare(&service, &project, &requester, &body, bound, &Memory::none()).await?;
    let Prepared { response, spec, asked, partition, .. } = prepared;
    let mut output = user_messages(&service, &project, &asked).await?;
    let id = response["id"].as_str().unwrap_or_default();
    let outcome = summarize(&service, &project, id, spec, &asked).await?;
    let item = partition.id(prefix(compaction::COMPACTION));
    output.push(compaction::item(service.sealing(), &project, &item, &outcome.summary)?);
    Ok(answer(&json!({
        "id": id,
        "object": "response.compaction",
        "created_at": response["created_at"],
        "output": output,
        "usage": outcome.usage,
    })))
}

/// What the user said in the conversation, oldest first. A conversation in which nobody said anything is an
/// error.
async fn user_messages(service: &Service, project: &Arc<str>, asked: &Value) -> Result<Vec<Value>, ApiError> {
    let mut before = History::new(Arc::clone(service.store())).all(project, Place::before(asked)).await?;
    before.reverse();
    let own = asked["input"].as_array().into_iter().flatten();
    if before.is_empty() && own.clone().next().is_none() {
        let message = "There is nothing to compact: give the conversation in 'input', or the response that it \
                       ends with in 'previous_response_id'.";
        return Err(ApiError::invalid(message).code("missing_required_parameter").param("input"));
    }
    let is = |item: &Item, field: &str, word: &str| item.get(field).is_some_and(|value| value == word);
    let is_of_user = |item: &Item| is(item, "type", "message") && is(item, "role", "user");
    let before = before.into_iter().filter(is_of_user).map(Value::Object);
    let own = own.filter(|item| item.as_object().is_some_and(is_of_user)).cloned();
    Ok(before.chain(own).collect())
}

/// Has the model summarize what was said, in a turn that leaves nothing behind.
async fn summarize(
    service: &Service,
    project: &Arc<str>,
    id: &str,
    spec: TurnSpec,
    asked: &Value,
) -> Result<Outcome, ApiError> {
    let mut asked = asked.clone();
    if let Some(Value::Array(input)) = asked.get_mut("input") {
        let content = json!([{"type": "input_text", "text": REQUEST}]);
        input.push(json!({"type": "message", "role": "user", "content": content}));
    }
    let spec = TurnSpec {
        input: Some(Arc::new(asked)),
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        parallel_tool_calls: None,
        response_format: ResponseFormat::Text,
        keep_frames: false,
        line: None,
        ..spec
    };
    let begun = service
        .engine()
        .begin(Begin {
            key: TurnKey { project: Arc::clone(project), id: id.to_owned() },
            dialect: Arc::clone(service.responses()),
            spec,
            projection: Box::new(Summary::new(project, id)),
            changes: Vec::new(),
            listen: Listen::End,
            durable: Durable::Ended,
            eager: true,
        })
        .await?;
    let document = match begun.end {
        Some(end) => end.document().await?,
        None => begun.document,
    };
    Outcome::read(&document)
}
