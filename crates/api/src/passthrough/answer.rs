//! The answer of a provider without a dialect of its own, as a chat completion or its chunks.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use cupola_engine::ids;
use cupola_models::{Finish, ModelDelta, ModelStream, ModelUsage, RequestedCall};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{faults, forward::Call, translate::ChatBody};
use crate::{ApiError, body::answer};

/// Answers a chat completion.
pub async fn chat(call: &Call, created: i64) -> Result<Response, ApiError> {
    let body = ChatBody::read(&call.fields)?;
    let is_stream = body.stream == Some(true);
    let with_usage = body.stream_options.as_ref().is_some_and(|options| options.include_usage);
    let request = body.into_request(&call.resolved);
    let deltas = call.resolved.provider.call(&request).await.map_err(|fault| faults::told(&fault))?;
    let head = Head { id: ids::new("chatcmpl-"), created, model: call.resolved.deployment.clone() };
    if is_stream { Ok(chunks(head, deltas, with_usage)) } else { completion(head, deltas).await }
}

/// What every object of an answer begins with.
struct Head {
    id: String,
    created: i64,
    model: String,
}

async fn completion(head: Head, mut deltas: ModelStream) -> Result<Response, ApiError> {
    let (mut text, mut refusal, mut reasoning) = (String::new(), String::new(), String::new());
    let mut calls: Vec<RequestedCall> = Vec::new();
    let (mut finish, mut usage) = (Finish::Stop, ModelUsage::default());
    while let Some(delta) = deltas.next().await {
        match delta.map_err(|fault| faults::told(&fault))? {
            ModelDelta::Text(more) => text.push_str(&more),
            ModelDelta::Refusal(more) => refusal.push_str(&more),
            ModelDelta::Reasoning(more) | ModelDelta::ReasoningSummary(more) => reasoning.push_str(&more),
            ModelDelta::CallBegan { id, name, .. } => {
                calls.push(RequestedCall { id: call_id(id), name, arguments: String::new() });
            }
            ModelDelta::CallArguments { index, text } => {
                if let Some(call) = calls.get_mut(index) {
                    call.arguments.push_str(&text);
                }
            }
            ModelDelta::Usage(used) => usage = used,
            ModelDelta::Finish(reason) => finish = reason,
        }
    }
    let mut message = json!({ "role": "assistant", "content": text, "refusal": null });
    if !refusal.is_empty() {
        message["refusal"] = refusal.into();
        message["content"] = Value::Null;
    }
    if !reasoning.is_empty() {
        message["reasoning_content"] = reasoning.into();
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.iter().map(shown_call).collect();
        if text.is_empty() {
            message["content"] = Value::Null;
        }
    }
    Ok(answer(&json!({
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": word(finish) }],
        "usage": shown_usage(usage),
    })))
}

fn chunks(head: Head, deltas: ModelStream, with_usage: bool) -> Response {
    let first = head.chunk(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null);
    let writer = Writer { head, usage: with_usage.then(ModelUsage::default) };
    let opening = futures_util::stream::once(async move { first });
    let rest = futures_util::stream::unfold(Some((deltas, writer)), |state| async move {
        let (mut deltas, mut writer) = state?;
        match deltas.next().await {
            Some(Ok(delta)) => Some((writer.write(delta), Some((deltas, writer)))),
            Some(Err(fault)) => Some((faults::event(&fault), None)),
            None => Some((writer.end(), None)),
        }
    });
    let events = opening.chain(rest).map(Ok::<_, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Writes deltas as chunks.
struct Writer {
    head: Head,
    /// The tokens so far, if the client wants to know.
    usage: Option<ModelUsage>,
}

impl Writer {
    fn write(&mut self, delta: ModelDelta) -> Bytes {
        let delta = match delta {
            ModelDelta::Text(text) => json!({ "content": text }),
            ModelDelta::Refusal(text) => json!({ "refusal": text }),
            ModelDelta::Reasoning(text) | ModelDelta::ReasoningSummary(text) => {
                json!({ "reasoning_content": text })
            }
            ModelDelta::CallBegan { index, id, name } => {
                let function = json!({ "name": name, "arguments": "" });
                let id = call_id(id);
                let call = json!({ "index": index, "id": id, "type": "function", "function": function });
                json!({ "tool_calls": [call] })
            }
            ModelDelta::CallArguments { index, text } => {
                json!({ "tool_calls": [{ "index": index, "function": { "arguments": text } }] })
            }
            ModelDelta::Usage(used) => {
                self.usage = self.usage.map(|_| used);
                return Bytes::new();
            }
            ModelDelta::Finish(finish) => return self.head.chunk(json!({}), word(finish).into()),
        };
        self.head.chunk(delta, Value::Null)
    }

    fn end(&self) -> Bytes {
        let mut end = String::new();
        if let Some(usage) = self.usage {
            let mut chunk = self.head.object();
            chunk["choices"] = json!([]);
            chunk["usage"] = shown_usage(usage);
            end = format!("data: {chunk}\n\n");
        }
        end.push_str("data: [DONE]\n\n");
        end.into()
    }
}

impl Head {
    fn object(&self) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
        })
    }

    fn chunk(&self, delta: Value, finish_reason: Value) -> Bytes {
        let mut chunk = self.object();
        chunk["choices"] =
            json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]);
        format!("data: {chunk}\n\n").into()
    }
}

/// Ids are the provider's where it gives any.
fn call_id(id: String) -> String {
    if id.is_empty() { ids::new("call_") } else { id }
}

fn shown_call(call: &RequestedCall) -> Value {
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": call.arguments },
    })
}

fn shown_usage(usage: ModelUsage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}

fn word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
    }
}
