//! Calls of MCP servers in the history: what they came to, or that they were denied.

use cupola_engine::{HistoryItem, turn::Approval};
use cupola_models::{ChatMessage, RequestedCall};
use serde_json::Value;

use crate::{
    items::Item,
    tools::mcp::{self, REQUEST, RESPONSE},
};

/// What an item is to the model, if it is a call that was made, or one that was denied. Of a call that nobody
/// has decided about, the model is told nothing; one that was approved stands in the items again, as made.
pub fn exchange(item: &Item, items: &[Item]) -> Option<HistoryItem> {
    match text(item, "type") {
        "mcp_call" => {
            let output = item.get("output").and_then(Value::as_str);
            let output = output.or_else(|| item.get("error").and_then(mcp::words));
            let output = match (output, text(item, "status")) {
                (Some(output), _) => output,
                (None, "completed") => "",
                (None, _) => "The call was interrupted. Nobody knows whether it was carried out.",
            };
            Some(told(item, output))
        }
        REQUEST => {
            let answers = items.iter().rev().filter(|other| text(other, "type") == RESPONSE);
            let mut answers =
                answers.filter(|answer| text(answer, "approval_request_id") == text(item, "id"));
            let answer =
                answers.next().filter(|answer| answer.get("approve") == Some(&Value::Bool(false)))?;
            let reason = answer.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
            let denied = Approval { reason: reason.map(str::to_owned), ..Approval::default() };
            Some(told(item, &denied.denial()))
        }
        _ => None,
    }
}

fn told(call: &Item, output: &str) -> HistoryItem {
    let id = text(call, "id").to_owned();
    let asked = RequestedCall {
        id: id.clone(),
        name: mcp::function_name(text(call, "name")),
        arguments: text(call, "arguments").to_owned(),
    };
    let asked = ChatMessage::Assistant { text: String::new(), calls: vec![asked] };
    HistoryItem { messages: vec![asked, ChatMessage::Tool { call_id: id, output: output.to_owned() }] }
}

fn text<'i>(item: &'i Item, field: &str) -> &'i str {
    item.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn output(items: Value) -> Option<String> {
        let items: Vec<Item> =
            items.as_array().into_iter().flatten().filter_map(|item| item.as_object().cloned()).collect();
        let told = exchange(&items[0], &items)?;
        match told.messages.as_slice() {
            [ChatMessage::Assistant { calls, .. }, ChatMessage::Tool { call_id, output }] => {
                assert_eq!((&calls[0].id, calls[0].name.as_str()), (call_id, "files_read"));
                Some(output.clone())
            }
            other => panic!("{other:?}"),
        }
    }

    fn call(more: Value) -> Value {
        let mut call = json!({"type": "mcp_call", "id": "mcp_1", "name": "files.read", "arguments": "{}"});
        if let (Value::Object(call), Value::Object(more)) = (&mut call, more) {
            call.extend(more);
        }
        call
    }

    #[test]
    fn a_call_is_told_with_what_it_came_to() {
        let told = |more: Value| output(json!([call(more)])).unwrap_or_default();
        assert_eq!(told(json!({"status": "completed", "output": "42", "error": null})), "42");
        assert_eq!(told(json!({"status": "failed", "output": null, "error": "No."})), "No.");
        let error = json!({"type": "http_error", "code": 500, "message": "No."});
        assert_eq!(told(json!({"status": "failed", "error": error})), "No.");
        let error = json!({"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "No."}]});
        assert_eq!(told(json!({"status": "failed", "error": error})), "No.");
        assert_eq!(told(json!({"status": "completed", "output": null})), "");
        assert!(told(json!({"status": "incomplete"})).contains("Nobody knows"));
    }

    #[test]
    fn a_denied_call_is_told_with_the_reason_and_an_open_one_is_not_told() {
        let request =
            json!({"type": "mcp_approval_request", "id": "mcpr_1", "name": "files.read", "arguments": "{}"});
        let answer = |approve: bool| json!({"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": approve, "reason": "no"});
        let denied = output(json!([request, answer(false)])).unwrap_or_default();
        assert_eq!(denied, "The call was not made: the user did not approve it. The reason given: no");
        assert_eq!(output(json!([request, answer(true)])), None);
        assert_eq!(output(json!([request])), None);
    }
}
