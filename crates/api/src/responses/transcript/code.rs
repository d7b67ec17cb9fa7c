//! Code that ran earlier, as a model is told of it: what it was, and what it wrote.

use cupola_engine::HistoryItem;
use cupola_models::{ChatMessage, RequestedCall};
use serde_json::{Value, json};

use super::{kind, text};
use crate::{items::Item, tools::code_interpreter};

/// In the place of outputs that are not known: a client may send items back without them.
const NOT_KNOWN: &str = "[What it wrote is not repeated here.]";
/// The most bytes that are repeated of what one call wrote.
const MOST: usize = 8 * 1024;

/// An earlier call with its output.
pub fn exchange(item: &Item) -> Option<HistoryItem> {
    let code = text(item, "code").filter(|_| kind(item) == "code_interpreter_call")?;
    let id = text(item, "id").unwrap_or("code").to_owned();
    let call = RequestedCall {
        id: id.clone(),
        name: code_interpreter::KIND.to_owned(),
        arguments: json!({"code": code}).to_string(),
    };
    let asked = ChatMessage::Assistant { text: String::new(), calls: vec![call] };
    Some(HistoryItem { messages: vec![asked, ChatMessage::Tool { call_id: id, output: written(item) }] })
}

fn written(item: &Item) -> String {
    let outputs = item.get("outputs").and_then(Value::as_array);
    let logs = outputs.into_iter().flatten().filter_map(|output| output["logs"].as_str());
    let mut logs: String = logs.collect();
    if logs.is_empty() {
        return NOT_KNOWN.to_owned();
    }
    if logs.len() > MOST {
        logs.truncate(logs.floor_char_boundary(MOST));
        logs.push_str("\n[The rest is not repeated here.]");
    }
    logs
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn told(outputs: Value) -> Vec<ChatMessage> {
        let item =
            json!({"type": "code_interpreter_call", "id": "ci_1", "code": "print(1)", "outputs": outputs});
        exchange(item.as_object().unwrap()).unwrap().messages
    }

    #[test]
    fn the_model_knows_what_it_ran_and_what_came_of_it() {
        let messages = told(json!([{"type": "logs", "logs": "1\n"}, {"type": "image", "url": "u"}]));
        let ChatMessage::Assistant { calls, .. } = &messages[0] else { panic!("{messages:?}") };
        assert_eq!(
            (calls[0].name.as_str(), calls[0].arguments.as_str()),
            ("code_interpreter", r#"{"code":"print(1)"}"#)
        );
        assert_eq!(messages[1], ChatMessage::Tool { call_id: "ci_1".into(), output: "1\n".into() });
    }

    #[test]
    fn what_is_not_known_or_too_long_is_said_to_be_so() {
        let output = |outputs| match told(outputs).pop() {
            Some(ChatMessage::Tool { output, .. }) => output,
            other => panic!("{other:?}"),
        };
        assert_eq!(output(Value::Null), NOT_KNOWN);
        let long = output(json!([{"type": "logs", "logs": "ä".repeat(MOST)}]));
        assert!(long.len() < MOST + 100 && long.ends_with("not repeated here.]"));
    }
}
