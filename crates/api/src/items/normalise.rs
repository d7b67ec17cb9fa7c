//! From what clients send as input to items as they are stored: with a type, an id and a status, and with
//! content as a list of parts.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    content::{self, missing, wrong_type},
    ids,
};
use crate::{ApiError, partition::Partition};

/// An item: unknown types and fields are kept, so it is a plain object.
pub type Item = Map<String, Value>;

const ROLES: &[&str] = &["assistant", "system", "developer", "user"];

/// Reads input: text, a list of items, or nothing. Every item is given a new id in this partition, because
/// a client may send again what is stored elsewhere under its old one. `param` is where the input stands
/// in the body.
///
/// An `item_reference` is kept as it is: whoever knows the store resolves it.
pub fn normalise(param: &str, input: &Value, partition: &Partition) -> Result<Vec<Item>, ApiError> {
    let list = match input {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) if text.is_empty() => return Ok(Vec::new()),
        Value::String(text) => {
            return Ok(vec![user_message(content::text(param, "user", text)?, partition)]);
        }
        Value::Array(list) => list,
        _ => return Err(wrong_type(param, "a string or an array of items")),
    };
    let mut renamed = HashMap::new();
    let mut items = Vec::with_capacity(list.len());
    for (index, sent) in list.iter().enumerate() {
        let param = format!("{param}[{index}]");
        let Value::Object(sent) = sent else { return Err(wrong_type(&param, "an object")) };
        let item = item(&param, sent, partition)?;
        if let (Some(old), Some(new)) = (text_of(sent, "id"), text_of(&item, "id")) {
            renamed.insert(old.to_owned(), new.to_owned());
        }
        items.push(item);
    }
    follow_renamed(&mut items, &renamed);
    Ok(items)
}

/// An approval names its request by id: where both are sent together, the request has a new one.
fn follow_renamed(items: &mut [Item], renamed: &HashMap<String, String>) {
    for item in items {
        if let Some(Value::String(id)) = item.get_mut("approval_request_id")
            && let Some(new) = renamed.get(id.as_str())
        {
            id.clone_from(new);
        }
    }
}

fn user_message(content: Value, partition: &Partition) -> Item {
    let mut item = Item::new();
    item.insert("type".to_owned(), json!("message"));
    item.insert("id".to_owned(), json!(partition.id(ids::prefix("message"))));
    item.insert("status".to_owned(), json!("completed"));
    item.insert("role".to_owned(), json!("user"));
    item.insert("content".to_owned(), content);
    item
}

fn item(param: &str, sent: &Item, partition: &Partition) -> Result<Item, ApiError> {
    let kind = kind(param, sent)?;
    if kind == "item_reference" {
        require_text(param, sent, "id")?;
        let id = sent.get("id").cloned().unwrap_or_default();
        return Ok([("type".to_owned(), json!(kind)), ("id".to_owned(), id)].into_iter().collect());
    }
    let mut item = Item::new();
    item.insert("type".to_owned(), json!(kind));
    item.insert("id".to_owned(), json!(partition.id(ids::prefix(kind))));
    if ids::has_status(kind) {
        let status = text_of(sent, "status").unwrap_or("completed");
        item.insert("status".to_owned(), json!(status));
    }
    for (name, value) in sent {
        if !item.contains_key(name) {
            item.insert(name.clone(), value.clone());
        }
    }
    check(param, kind, &mut item)?;
    Ok(item)
}

/// The type; messages may come without one.
fn kind<'s>(param: &str, sent: &'s Item) -> Result<&'s str, ApiError> {
    match sent.get("type") {
        Some(Value::String(kind)) if !kind.is_empty() => Ok(kind),
        Some(Value::Null) | None if sent.contains_key("role") => Ok("message"),
        Some(Value::Null) | None if sent.len() == 1 && sent.contains_key("id") => Ok("item_reference"),
        Some(Value::String(_) | Value::Null) | None => Err(missing(&format!("{param}.type"))),
        Some(_) => Err(wrong_type(&format!("{param}.type"), "a string")),
    }
}

/// What items of a type must have. Types that are not known here are kept as they are.
fn check(param: &str, kind: &str, item: &mut Item) -> Result<(), ApiError> {
    match kind {
        "message" => message(param, item),
        "function_call" => require_texts(param, item, &["call_id", "name", "arguments"]),
        "custom_tool_call" => require_texts(param, item, &["call_id", "name", "input"]),
        "function_call_output" | "custom_tool_call_output" => {
            require_text(param, item, "call_id")?;
            output(param, item)
        }
        "reasoning" => {
            item.entry("summary").or_insert_with(|| json!([]));
            Ok(())
        }
        "mcp_approval_response" => {
            require_text(param, item, "approval_request_id")?;
            match item.get("approve") {
                Some(Value::Bool(_)) => Ok(()),
                None => Err(missing(&format!("{param}.approve"))),
                Some(_) => Err(wrong_type(&format!("{param}.approve"), "a boolean")),
            }
        }
        _ => Ok(()),
    }
}

fn message(param: &str, item: &mut Item) -> Result<(), ApiError> {
    require_text(param, item, "role")?;
    let role = text_of(item, "role").unwrap_or_default().to_owned();
    if !ROLES.contains(&role.as_str()) {
        let known = "'assistant', 'system', 'developer', and 'user'";
        return Err(ApiError::invalid(format!("Invalid value: '{role}'. Supported values are: {known}."))
            .code("invalid_value")
            .param(format!("{param}.role")));
    }
    let param = format!("{param}.content");
    let Some(sent) = item.get("content") else { return Err(missing(&param)) };
    let parts = content::parts(&param, &role, sent)?;
    item.insert("content".to_owned(), parts);
    Ok(())
}

/// The output of a call: text, or parts.
fn output(param: &str, item: &mut Item) -> Result<(), ApiError> {
    let param = format!("{param}.output");
    match item.get("output") {
        Some(Value::String(_)) => Ok(()),
        Some(parts @ Value::Array(_)) => {
            let parts = content::parts(&param, "user", parts)?;
            item.insert("output".to_owned(), parts);
            Ok(())
        }
        None => Err(missing(&param)),
        Some(_) => Err(wrong_type(&param, "a string or an array of content parts")),
    }
}

fn require_texts(param: &str, item: &Item, fields: &[&str]) -> Result<(), ApiError> {
    fields.iter().try_for_each(|field| require_text(param, item, field))
}

fn require_text(param: &str, item: &Item, field: &str) -> Result<(), ApiError> {
    match item.get(field) {
        Some(Value::String(_)) => Ok(()),
        None => Err(missing(&format!("{param}.{field}"))),
        Some(_) => Err(wrong_type(&format!("{param}.{field}"), "a string")),
    }
}

fn text_of<'i>(item: &'i Item, field: &str) -> Option<&'i str> {
    item.get(field).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: Value) -> Vec<Item> {
        normalise("input", &input, &Partition::new()).expect("is accepted")
    }

    /// The items without their ids, which are new each time.
    fn without_ids(input: Value) -> Value {
        let mut items = read(input);
        items.iter_mut().for_each(|item| drop(item.shift_remove("id")));
        json!(items)
    }

    #[track_caller]
    fn assert_refused(input: Value, param: &str, code: &str) {
        let refused = normalise("input", &input, &Partition::new()).expect_err("is refused");
        let detail = refused.detail();
        assert_eq!((detail.param.as_deref(), detail.code.as_deref()), (Some(param), Some(code)));
    }

    #[test]
    fn text_is_a_message_of_the_user() {
        assert_eq!(
            without_ids(json!("Hi")),
            json!([{"type": "message", "status": "completed", "role": "user",
                    "content": [{"type": "input_text", "text": "Hi"}]}])
        );
    }

    #[test]
    fn nothing_is_no_items() {
        for input in [json!(null), json!(""), json!([])] {
            assert_eq!(read(input), Vec::<Item>::new());
        }
    }

    #[test]
    fn messages_need_no_type_and_text_of_an_assistant_is_output() {
        assert_eq!(
            without_ids(json!([{"role": "assistant", "content": "Hello"}])),
            json!([{"type": "message", "status": "completed", "role": "assistant",
                    "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}]}])
        );
    }

    #[test]
    fn items_that_are_sent_again_have_a_new_id_in_the_partition_and_keep_the_rest() {
        let partition = Partition::new();
        let sent = json!([{"id": "fc_old", "type": "function_call", "call_id": "call_1", "name": "f",
                           "arguments": "{}", "status": "incomplete", "later": [1]}]);
        let items = normalise("input", &sent, &partition).expect("is accepted");
        let id = items[0]["id"].as_str().expect("has an id");
        assert!(id.starts_with(&format!("fc_{partition}00")), "{id}");
        assert_eq!((&items[0]["status"], &items[0]["later"]), (&json!("incomplete"), &json!([1])));
    }

    #[test]
    fn items_of_unknown_types_are_kept() {
        assert_eq!(
            without_ids(json!([{"type": "teleport", "to": {"km": 3}}])),
            json!([{"type": "teleport", "status": "completed", "to": {"km": 3}}])
        );
    }

    #[test]
    fn an_approval_follows_its_request_to_its_new_id() {
        let items = read(json!([
            {"type": "mcp_approval_request", "id": "mcpr_1", "name": "f", "server_label": "s", "arguments": "{}"},
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": true},
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_2", "approve": false},
        ]));
        assert_ne!(items[0]["id"], "mcpr_1");
        assert_eq!(items[1]["approval_request_id"], items[0]["id"]);
        assert_eq!(items[2]["approval_request_id"], "mcpr_2");
    }

    #[test]
    fn a_reference_is_kept_for_whoever_knows_the_store() {
        let reference = json!([{"type": "item_reference", "id": "msg_1"}]);
        assert_eq!(json!(read(json!([{"id": "msg_1"}]))), reference);
        assert_eq!(json!(read(reference.clone())), reference);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_by_its_path() {
        assert_refused(json!(5), "input", "invalid_type");
        assert_refused(json!(["x"]), "input[0]", "invalid_type");
        assert_refused(json!([{"text": "x"}]), "input[0].type", "missing_required_parameter");
        assert_refused(json!([{"role": "robot", "content": "x"}]), "input[0].role", "invalid_value");
        assert_refused(json!([{"role": "user"}]), "input[0].content", "missing_required_parameter");
        assert_refused(
            json!([{"type": "function_call_output", "call_id": "c"}]),
            "input[0].output",
            "missing_required_parameter",
        );
        assert_refused(
            json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]),
            "input[0].arguments",
            "invalid_type",
        );
        assert_refused(
            json!([{"type": "mcp_approval_response", "approval_request_id": "a", "approve": "yes"}]),
            "input[0].approve",
            "invalid_type",
        );
    }
}
