//! The form that the HTTP+JSON transport has: that of the protocol's `.proto`, not that of JSON-RPC.

use serde_json::{Map, Value, json};

/// A result with its name, as answers and streams hold it.
pub fn named(result: Value) -> Value {
    let name = match result["kind"].as_str() {
        Some("status-update") => "statusUpdate",
        Some("artifact-update") => "artifactUpdate",
        _ => "task",
    };
    let mut named = Map::new();
    named.insert(name.to_owned(), converted(result));
    Value::Object(named)
}

/// An object without kinds, with the words of the `.proto`.
pub fn converted(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(converted).collect(),
        Value::Object(object) => {
            let is_message = object.get("kind").is_some_and(|kind| kind == "message");
            let fields = object.into_iter().filter(|(name, _)| name != "kind");
            fields.map(|(name, value)| field(is_message, name, value)).collect()
        }
        other => other,
    }
}

fn field(is_message: bool, name: String, value: Value) -> (String, Value) {
    match (name.as_str(), is_message, value.as_str()) {
        ("parts", true, _) => ("content".to_owned(), converted(value)),
        ("role", true, Some(role)) => (name, json!(format!("ROLE_{}", role.to_ascii_uppercase()))),
        // The one word that is spelt differently.
        ("state", _, Some("canceled")) => (name, json!("TASK_STATE_CANCELLED")),
        ("state", _, Some(state)) => (name, json!(format!("TASK_STATE_{}", state.to_ascii_uppercase()))),
        _ => (name, converted(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_the_words_of_the_proto() {
        let task = json!({
            "kind": "task", "id": "t",
            "status": {"state": "completed"},
            "history": [{"kind": "message", "role": "user", "parts": [{"kind": "text", "text": "Hi"}]}],
            "artifacts": [{"artifactId": "a", "parts": [{"kind": "text", "text": "Hello"}]}],
        });
        let expected = json!({"task": {
            "id": "t",
            "status": {"state": "TASK_STATE_COMPLETED"},
            "history": [{"role": "ROLE_USER", "content": [{"text": "Hi"}]}],
            "artifacts": [{"artifactId": "a", "parts": [{"text": "Hello"}]}],
        }});
        assert_eq!(named(task), expected);
        let update = json!({"kind": "status-update", "status": {"state": "canceled"}});
        assert_eq!(named(update), json!({"statusUpdate": {"status": {"state": "TASK_STATE_CANCELLED"}}}));
    }
}
