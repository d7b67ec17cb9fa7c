//! What was said, as far as memories are made of it: the texts of messages.

use serde::Serialize;
use serde_json::Value;

/// The most characters of one message, and of all of them; the newest ones count.
const MOST_OF_ONE: usize = 8_000;
const MOST_OF_ALL: usize = 60_000;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub text: String,
}

/// The messages among items, oldest first. Other items say nothing of the user.
pub fn messages(items: &[Value]) -> Vec<Said> {
    let mut left = MOST_OF_ALL;
    let mut newest_first = Vec::new();
    for said in items.iter().rev().filter_map(message) {
        let length = said.text.chars().count();
        if length > left {
            break;
        }
        left -= length;
        newest_first.push(said);
    }
    newest_first.reverse();
    newest_first
}

fn message(item: &Value) -> Option<Said> {
    let is_message = item.get("type").is_none_or(|kind| kind == "message");
    let role = item["role"].as_str().filter(|role| matches!(*role, "user" | "assistant"))?;
    let text: String = text(&item["content"]).trim().chars().take(MOST_OF_ONE).collect();
    (is_message && !text.is_empty()).then(|| Said { role: role.to_owned(), text })
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// What comes when more is said: what both have in common stands there once.
pub fn joined(earlier: &[Value], more: Vec<Value>) -> Vec<Value> {
    if more.starts_with(earlier) {
        return more;
    }
    earlier.iter().cloned().chain(more).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_read_in_every_form_and_nothing_else_is() {
        let items = [
            json!({"role": "user", "content": " Hi "}),
            json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Ho"}]}),
            json!({"type": "message", "role": "system", "content": "Be nice."}),
            json!({"type": "function_call", "role": "user", "content": "no"}),
            json!({"type": "message", "role": "user", "content": [{"type": "input_image"}]}),
        ];
        let said = messages(&items);
        let said: Vec<_> = said.iter().map(|said| (said.role.as_str(), said.text.as_str())).collect();
        assert_eq!(said, [("user", "Hi"), ("assistant", "Ho")]);
    }

    #[test]
    fn of_a_long_conversation_the_newest_messages_count() {
        let long = "x".repeat(MOST_OF_ONE);
        let items: Vec<_> =
            (0..20).map(|n| json!({"role": "user", "content": format!("{n:02}{long}")})).collect();
        let said = messages(&items);
        assert!(said.len() == 7 && said[6].text.starts_with("19"), "{}", said.len());
    }

    #[test]
    fn what_is_sent_again_with_more_stands_there_once() {
        let (a, b, c) = (json!({"content": "a"}), json!({"content": "b"}), json!({"content": "c"}));
        let earlier = [a.clone(), b.clone()];
        assert_eq!(joined(&earlier, vec![c.clone()]), [a.clone(), b.clone(), c.clone()]);
        assert_eq!(joined(&earlier, vec![a.clone(), b.clone(), c.clone()]), [a, b, c]);
    }
}
