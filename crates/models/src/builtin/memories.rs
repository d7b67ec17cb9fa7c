//! What is worth remembering of a conversation, for a model that understands nothing: what the user said, word for
//! word, unless it is a question or is remembered already.

use serde_json::{Value, json};

/// The name of the schema by which memory stores ask.
const SCHEMA: &str = "memory_operations";

/// Whether an answer of this form says how memories change.
pub(crate) fn is_asked_for(schema: &str) -> bool {
    schema == SCHEMA
}

/// The changes, for a document with `memories` and a `conversation`.
pub(crate) fn operations(schema: &Value, document: &str) -> Value {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    let known: Vec<Value> = list("memories").iter().map(|memory| memory["content"].clone()).collect();
    let kind = schema.pointer("/properties/operations/items/properties/kind/enum/0");
    let said = list("conversation").into_iter().filter(|said| said["role"] == "user");
    let texts = said.filter_map(|said| said["text"].as_str().map(str::trim).map(str::to_owned));
    let statements = texts.filter(|text| !text.is_empty() && !text.ends_with('?'));
    let contents = statements.map(|text| json!(format!("The user said: {text}")));
    let new = contents.filter(|content| !known.contains(content));
    let operations = new.map(|content| {
        json!({"op": "create", "kind": kind.unwrap_or(&Value::Null), "memory_id": null, "content": content})
    });
    json!({ "operations": operations.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_said_is_kept_but_for_questions_and_what_is_known() {
        let kind = json!({"enum": ["user_profile", "chat_summary"]});
        let schema = json!({"properties": {"operations": {"items": {"properties": {"kind": kind}}}}});
        let said = |role: &str, text: &str| json!({"role": role, "text": text});
        let document = json!({
            "memories": [{"memory_id": "m", "kind": "user_profile", "content": "The user said: I row."}],
            "conversation": [
                said("user", "I row."), said("user", "Do I swim?"), said("assistant", "You do."),
                said("user", " I like tea. "),
            ],
        });
        let expected = json!({"operations": [{
            "op": "create", "kind": "user_profile", "memory_id": null, "content": "The user said: I like tea.",
        }]});
        assert_eq!(operations(&schema, &document.to_string()), expected);
        assert_eq!(operations(&schema, "no document"), json!({"operations": []}));
    }
}
