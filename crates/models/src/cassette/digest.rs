//! The digest under which an exchange is stored.
//! It does not depend on call ids, which differ from run to run, nor on the order of object keys.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{ChatMessage, ModelRequest};

/// The digest of a request, in hexadecimal digits.
pub(crate) fn of(request: &ModelRequest) -> String {
    // A request is plain data: it always becomes JSON.
    let json = serde_json::to_value(normalised(request)).map(sorted).unwrap_or_default();
    hex::encode(Sha256::digest(json.to_string()))
}

/// The request with its call ids numbered in the order in which they appear.
pub(crate) fn normalised(request: &ModelRequest) -> ModelRequest {
    let mut request = request.clone();
    let mut numbers = BTreeMap::new();
    let mut number = |id: &mut String| {
        let next = numbers.len() + 1;
        let number: usize = *numbers.entry(id.clone()).or_insert(next);
        *id = format!("call_{number}");
    };
    for message in &mut request.messages {
        match message {
            ChatMessage::Assistant { calls, .. } => calls.iter_mut().for_each(|call| number(&mut call.id)),
            ChatMessage::Tool { call_id, .. } => number(call_id),
            ChatMessage::System { .. } | ChatMessage::User { .. } => {}
        }
    }
    request
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted_map: BTreeMap<String, Value> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(sorted_map.into_iter().collect())
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::RequestedCall;

    fn with_call(id: &str) -> ModelRequest {
        let call = RequestedCall { id: id.into(), name: "f".into(), arguments: "{}".into() };
        let messages = vec![
            ChatMessage::Assistant { text: String::new(), calls: vec![call] },
            ChatMessage::Tool { call_id: id.into(), output: "1".into() },
        ];
        ModelRequest { messages, ..Default::default() }
    }

    fn with_extra(extra: Value) -> ModelRequest {
        let extra = extra.as_object().cloned().unwrap_or_default();
        ModelRequest { extra, ..Default::default() }
    }

    #[test]
    fn call_ids_do_not_change_the_digest() {
        assert_eq!(of(&with_call("call_abc")), of(&with_call("call_xyz")));
    }

    #[test]
    fn the_order_of_keys_does_not_change_the_digest() {
        assert_eq!(of(&with_extra(json!({"a": 1, "b": 2}))), of(&with_extra(json!({"b": 2, "a": 1}))));
    }

    #[test]
    fn anything_else_changes_the_digest() {
        assert_ne!(of(&with_extra(json!({"a": 1}))), of(&with_extra(json!({"a": 2}))));
        assert_ne!(of(&with_call("c")), of(&ModelRequest { model: "m".into(), ..with_call("c") }));
    }
}
