//! The body that creates a response, checked, and the response that it asks for.

use serde_json::{Map, Value, json};

use crate::{
    ApiError,
    agents::ResolvedAgent,
    items::{Include, wrong_type},
};

/// What may not be said beside an agent, because the agent says it.
const OWN_OF_AGENTS: &[&str] = &["tools", "instructions", "text", "reasoning", "tool_choice", "model"];

/// A field of the body by its name; null counts as absent.
pub fn field<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b Value> {
    body.get(name).filter(|value| !value.is_null())
}

/// A text field.
pub fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Option<&'b str>, ApiError> {
    match field(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(name, "a string")),
    }
}

/// A field that is true or false.
pub fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, ApiError> {
    match field(body, name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong_type(name, "a boolean")),
    }
}

/// Which agent a body names: its name and, where it says so, its version. Both spellings are accepted.
pub fn agent(body: &Map<String, Value>) -> Result<Option<(String, Option<String>)>, ApiError> {
    for name in ["agent_reference", "agent"] {
        let Some(reference) = field(body, name) else { continue };
        let Some(agent) = reference.get("name").and_then(Value::as_str) else {
            let param = format!("{name}.name");
            return Err(ApiError::invalid(format!("Missing required parameter: '{param}'."))
                .code("missing_required_parameter")
                .param(param));
        };
        let version = match reference.get("version") {
            Some(Value::String(version)) => Some(version.clone()),
            Some(Value::Number(version)) => Some(version.to_string()),
            _ => None,
        };
        return Ok(Some((agent.to_owned(), version)));
    }
    Ok(None)
}

/// Refuses what an agent says itself.
pub fn check_beside_agent(body: &Map<String, Value>, agent: &ResolvedAgent) -> Result<(), ApiError> {
    let own_model = agent.definition.get("model");
    let said = OWN_OF_AGENTS.iter().find(|name| {
        // Some clients repeat the agent's own model: that changes nothing.
        field(body, name).is_some_and(|value| **name != "model" || Some(value) != own_model)
    });
    match said {
        None => Ok(()),
        Some(name) => Err(ApiError::invalid("Not allowed when agent is specified.")
            .code("invalid_payload")
            .param(*name)),
    }
}

/// What of its items a body asks for.
pub fn include(body: &Map<String, Value>) -> Include {
    let words = field(body, "include").and_then(Value::as_array).into_iter().flatten();
    Include::of(words.filter_map(|word| word.as_str().map(str::to_owned)))
}

/// The id of the conversation that a body names, as a string or as an object.
pub fn conversation(body: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    match field(body, "conversation") {
        None => Ok(None),
        Some(Value::String(id)) => Ok(Some(id.clone())),
        Some(Value::Object(conversation)) => match conversation.get("id").and_then(Value::as_str) {
            Some(id) => Ok(Some(id.to_owned())),
            None => Err(wrong_type("conversation.id", "a string")),
        },
        Some(_) => Err(wrong_type("conversation", "a string or an object")),
    }
}

/// The response that a body asks for, before anything has happened. The order of the fields is that of the
/// service.
pub fn response(
    id: &str,
    now: i64,
    body: &Map<String, Value>,
    agent: Option<&ResolvedAgent>,
    conversation: Option<&str>,
) -> Value {
    // With an agent, what the agent says; else what the request says.
    let said = |name: &str| {
        let definition = agent.and_then(|agent| field(&agent.definition, name));
        definition.or_else(|| field(body, name)).cloned()
    };
    let asked = |name: &str| field(body, name).cloned().unwrap_or(Value::Null);
    let mut reasoning = said("reasoning").unwrap_or_else(|| json!({}));
    if let Value::Object(reasoning) = &mut reasoning {
        for name in ["effort", "summary"] {
            reasoning.entry(name).or_insert(Value::Null);
        }
    }
    let mut text = said("text").unwrap_or_else(|| json!({}));
    if let Value::Object(text) = &mut text {
        text.entry("format").or_insert_with(|| json!({"type": "text"}));
        text.entry("verbosity").or_insert_with(|| json!("medium"));
    }
    let reference =
        agent.map(|agent| json!({"type": "agent_reference", "name": agent.name, "version": agent.version}));
    let tools = match said("tools") {
        Some(Value::Array(tools)) => tools.into_iter().map(as_echoed).collect(),
        _ => Vec::new(),
    };
    let mut response = json!({
        "metadata": field(body, "metadata").cloned().unwrap_or_else(|| json!({})),
        "top_logprobs": field(body, "top_logprobs").cloned().unwrap_or(json!(0)),
        "temperature": said("temperature").unwrap_or(json!(1.0)),
        "top_p": said("top_p").unwrap_or(json!(1.0)),
        "presence_penalty": field(body, "presence_penalty").cloned().unwrap_or(json!(0.0)),
        "frequency_penalty": field(body, "frequency_penalty").cloned().unwrap_or(json!(0.0)),
        "service_tier": field(body, "service_tier").cloned().unwrap_or(json!("auto")),
        "model": said("model").unwrap_or(Value::Null),
        "reasoning": reasoning,
        "background": field(body, "background").cloned().unwrap_or(json!(false)),
        "text": text,
        "tools": tools,
        "tool_choice": said("tool_choice").unwrap_or(json!("auto")),
        "truncation": field(body, "truncation").cloned().unwrap_or(json!("disabled")),
        "id": id,
        "object": "response",
        "status": "queued",
        "created_at": now,
        "completed_at": null,
        "error": null,
        "incomplete_details": null,
        "output": [],
        "instructions": said("instructions").unwrap_or(Value::Null),
        "usage": null,
        "parallel_tool_calls": field(body, "parallel_tool_calls").cloned().unwrap_or(json!(true)),
        "conversation": conversation.map(|id| json!({ "id": id })),
        "previous_response_id": asked("previous_response_id"),
        "prompt_cache_key": asked("prompt_cache_key"),
        "prompt_cache_retention": asked("prompt_cache_retention"),
        "safety_identifier": asked("safety_identifier"),
        "max_output_tokens": asked("max_output_tokens"),
        "max_tool_calls": asked("max_tool_calls"),
        "user": asked("user"),
        "store": field(body, "store").cloned().unwrap_or(json!(true)),
        "agent_reference": reference,
        "content_filters": [],
    });
    if let Value::Object(known) = &mut response {
        let more = body.iter().filter(|(name, _)| !HANDLED.contains(&name.as_str()));
        for (name, value) in more {
            known.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    response
}

/// Fields of the request that are no fields of the response.
const HANDLED: &[&str] = &["input", "stream", "stream_options", "include", "agent", "structured_inputs"];

/// What the service adds to a tool that it was given.
fn as_echoed(mut tool: Value) -> Value {
    if tool["type"] == "file_search"
        && let Value::Object(fields) = &mut tool
    {
        fields.entry("max_num_results").or_insert(json!(20));
        fields.entry("ranking_options").or_insert_with(|| json!({"ranker": "auto", "score_threshold": 0}));
    }
    if tool["type"] == "function"
        && let Value::Object(fields) = &mut tool
        && !fields.contains_key("function")
    {
        fields.entry("description").or_insert(Value::Null);
        fields.entry("parameters").or_insert(Value::Null);
        fields.entry("strict").or_insert(Value::Bool(true));
    }
    tool
}
