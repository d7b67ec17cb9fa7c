//! Says in words how a request differs from the most similar recorded one.

use serde_json::Value;

use crate::{ChatMessage, ModelRequest};

/// The most characters of a message that are quoted.
const QUOTED: usize = 120;

/// A sentence about the recorded request that is most like this one.
pub(crate) fn to_nearest(request: &ModelRequest, recorded: &[&ModelRequest]) -> String {
    let likeness = |other: &&&ModelRequest| (other.model == request.model, common_messages(request, other));
    match recorded.iter().max_by_key(likeness) {
        None => "Nothing is recorded yet.".to_owned(),
        Some(nearest) => format!(
            "Compared with the most similar recorded request, {}.",
            first_difference(request, nearest)
        ),
    }
}

fn common_messages(a: &ModelRequest, b: &ModelRequest) -> usize {
    a.messages.iter().zip(&b.messages).take_while(|(a, b)| a == b).count()
}

fn first_difference(asked: &ModelRequest, recorded: &ModelRequest) -> String {
    if asked.model != recorded.model {
        return format!("the model is \"{}\" instead of \"{}\"", asked.model, recorded.model);
    }
    let at = common_messages(asked, recorded);
    match (asked.messages.get(at), recorded.messages.get(at)) {
        (Some(asked), Some(recorded)) => {
            return format!("message {} is {} instead of {}", at + 1, quote(asked), quote(recorded));
        }
        (Some(asked), None) => return format!("message {} is new: {}", at + 1, quote(asked)),
        (None, Some(recorded)) => return format!("message {} is missing: {}", at + 1, quote(recorded)),
        (None, None) => {}
    }
    let (asked, recorded) = (fields(asked), fields(recorded));
    let differing = asked.iter().find(|(name, value)| recorded.get(name.as_str()) != Some(value));
    match differing {
        Some((name, value)) => {
            let before = recorded.get(name).unwrap_or(&Value::Null).to_string();
            format!("{name} is {} instead of {}", clip(&value.to_string()), clip(&before))
        }
        None => "nothing differs".to_owned(),
    }
}

fn fields(request: &ModelRequest) -> serde_json::Map<String, Value> {
    match serde_json::to_value(request) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

fn quote(message: &ChatMessage) -> String {
    serde_json::to_string(message).map(|json| clip(&json)).unwrap_or_default()
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Part;

    fn asking(texts: &[&str]) -> ModelRequest {
        let user = |text: &&str| ChatMessage::User { parts: vec![Part::Text { text: (*text).into() }] };
        ModelRequest { model: "m".into(), messages: texts.iter().map(user).collect(), ..Default::default() }
    }

    #[test]
    fn the_first_differing_message_of_the_most_similar_request_is_shown() {
        let (far, near) = (asking(&["x"]), asking(&["a", "b"]));
        let sentence = to_nearest(&asking(&["a", "c"]), &[&far, &near]);
        let said = |text: &str| format!(r#"{{"role":"user","parts":[{{"type":"text","text":"{text}"}}]}}"#);
        let expected = format!(
            "Compared with the most similar recorded request, message 2 is {} instead of {}.",
            said("c"),
            said("b")
        );
        assert_eq!(sentence, expected);
    }

    #[test]
    fn other_fields_are_compared_when_the_messages_are_equal() {
        let (recorded, mut asked) = (asking(&["a"]), asking(&["a"]));
        asked.temperature = Some(0.5);
        let sentence = to_nearest(&asked, &[&recorded]);
        assert!(sentence.ends_with("temperature is 0.5 instead of null."), "{sentence}");
        asked.model = "n".into();
        let sentence = to_nearest(&asked, &[&recorded]);
        assert!(sentence.ends_with(r#"the model is "n" instead of "m"."#), "{sentence}");
    }

    #[test]
    fn an_empty_cassette_is_said_to_be_empty() {
        assert_eq!(to_nearest(&asking(&["a"]), &[]), "Nothing is recorded yet.");
    }
}
