//! Objects as the service sends them.

use serde_json::{Value, json};

pub fn agent(id: &str) -> Value {
    json!({"id": id, "object": "assistant", "created_at": 1746168385, "name": "weather", "description": null,
        "model": "gpt-4o", "instructions": null, "tools": [], "top_p": 1.0, "temperature": 1.0,
        "tool_resources": {}, "metadata": {}, "response_format": "auto"})
}

pub fn thread(id: &str) -> Value {
    json!({"id": id, "object": "thread", "created_at": 1, "metadata": {}, "tool_resources": {}})
}

pub fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "object": "thread.message", "created_at": 1, "assistant_id": null,
        "thread_id": "thread_1", "run_id": null, "role": "user",
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
        "attachments": [], "metadata": {}})
}

pub fn delta(text: &str) -> Value {
    json!({"id": "msg_1", "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": {"value": text}}]}})
}

pub fn run(status: &str) -> Value {
    json!({"id": "run_1", "object": "thread.run", "created_at": 1, "assistant_id": "asst_1",
        "thread_id": "thread_1", "status": status, "started_at": null, "expires_at": 601,
        "cancelled_at": null, "failed_at": null, "completed_at": null, "required_action": null,
        "last_error": null, "model": "gpt-4o", "instructions": "", "tools": [], "tool_resources": {},
        "metadata": {}, "temperature": 1.0, "top_p": 1.0, "max_completion_tokens": null,
        "max_prompt_tokens": null, "truncation_strategy": {"type": "auto", "last_messages": null},
        "incomplete_details": null, "usage": null, "response_format": "auto", "tool_choice": "auto",
        "parallel_tool_calls": true})
}

/// A run that waits for calls of these functions with these arguments.
pub fn waiting(calls: &[(&str, &str, &str)]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(id, name, arguments)| {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    let mut run = run("requires_action");
    run["required_action"] =
        json!({"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}});
    run
}

pub fn step(id: &str) -> Value {
    json!({"id": id, "object": "thread.run.step", "created_at": 1, "run_id": "run_1",
        "assistant_id": "asst_1", "thread_id": "thread_1", "type": "message_creation",
        "status": "completed", "cancelled_at": null, "completed_at": 2, "expires_at": null,
        "failed_at": null, "last_error": null,
        "step_details": {"type": "message_creation", "message_creation": {"message_id": "msg_1"}},
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
            "prompt_token_details": {"cached_tokens": 0}}})
}

pub fn file(status: &str) -> Value {
    json!({"object": "file", "id": "assistant-1", "purpose": "assistants", "filename": "a.md", "bytes": 11,
        "created_at": 1, "expires_at": null, "status": status, "status_details": null})
}

pub fn page(data: &[Value], has_more: bool) -> Value {
    let id = |value: Option<&Value>| value.map_or(Value::Null, |value| value["id"].clone());
    json!({"object": "list", "data": data, "first_id": id(data.first()), "last_id": id(data.last()),
        "has_more": has_more})
}

pub fn deleted(id: &str, object: &str) -> Value {
    json!({"id": id, "object": object, "deleted": true})
}

/// A response with these items.
pub fn response(id: &str, status: &str, output: &[Value]) -> Value {
    json!({"id": id, "object": "response", "status": status, "created_at": 1, "completed_at": null,
        "model": "gpt-4o", "output": output, "error": null, "incomplete_details": null, "usage": null,
        "agent_reference": {"type": "agent_reference", "name": "weather", "version": "1"},
        "conversation": null, "previous_response_id": null, "background": true, "metadata": {},
        "content_filters": []})
}

/// An answer in words.
pub fn said(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]})
}

/// A call of a function.
pub fn call(call_id: &str, name: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{call_id}"), "call_id": call_id, "name": name,
        "arguments": arguments, "status": "completed"})
}
