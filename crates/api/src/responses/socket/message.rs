//! What a client sends over a connection.

use serde_json::{Map, Value};

use crate::{ApiError, body::parse, responses::request};

/// Fields that say how HTTP answers. A connection always answers with events.
const OF_HTTP: [&str; 3] = ["stream", "stream_options", "background"];

/// A `response.create`.
#[derive(Debug)]
pub struct Create {
    /// The body, as `POST responses` has it.
    pub body: Map<String, Value>,
    /// Whether the model is to be asked; without it, the response only prepares what follows it.
    pub generates: bool,
}

/// Where events about a message belong.
#[derive(Debug, Default)]
pub struct Origin {
    /// The response that it follows.
    pub previous: Option<String>,
    /// The lane that it was sent on, which all its events name.
    pub lane: Option<String>,
}

impl Create {
    /// Reads a message. Where it belongs is known even of one that is refused.
    pub fn read(text: &[u8]) -> (Origin, Result<Self, ApiError>) {
        let mut body = match parse::<Map<String, Value>>(text) {
            Ok(body) => body,
            Err(error) => return (Origin::default(), Err(error)),
        };
        let lane = body.shift_remove("stream_id");
        let named = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let origin = Origin { previous: named(body.get("previous_response_id")), lane: named(lane.as_ref()) };
        (origin, Self::of(body))
    }

    fn of(mut body: Map<String, Value>) -> Result<Self, ApiError> {
        match body.shift_remove("type") {
            Some(Value::String(kind)) if kind == "response.create" => {}
            None => {
                return Err(ApiError::invalid("Missing required parameter: 'type'.")
                    .code("missing_required_parameter")
                    .param("type"));
            }
            Some(kind) => {
                let message = format!("Invalid value: {kind}. Supported values are: 'response.create'.");
                return Err(ApiError::invalid(message).code("invalid_value").param("type"));
            }
        }
        if request::flag(&body, "background")? == Some(true) {
            let message = "A response over WebSocket can't run in the background: leave 'background' out, or \
                           create the response with POST.";
            return Err(ApiError::invalid(message).code("invalid_value").param("background"));
        }
        OF_HTTP.iter().for_each(|field| drop(body.shift_remove(*field)));
        let generates = request::flag(&body, "generate")? != Some(false);
        body.shift_remove("generate");
        Ok(Self { body, generates })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(message: Value) -> (Origin, Result<Create, ApiError>) {
        Create::read(message.to_string().as_bytes())
    }

    #[test]
    fn a_message_is_the_body_of_a_request_without_what_only_concerns_http() {
        let (origin, create) = read(json!({
            "type": "response.create", "model": "gpt", "input": "Hi", "previous_response_id": "resp_1",
            "stream": true, "stream_options": {"include_obfuscation": false}, "background": false,
            "stream_id": "a", "generate": true,
        }));
        let body = json!({"model": "gpt", "input": "Hi", "previous_response_id": "resp_1"});
        assert_eq!(Value::Object(create.unwrap().body), body);
        assert_eq!((origin.previous.as_deref(), origin.lane.as_deref()), (Some("resp_1"), Some("a")));
    }

    #[test]
    fn what_is_no_request_for_a_response_is_refused_with_its_field() {
        for (message, param) in [
            (json!({"model": "gpt"}), "type"),
            (json!({"type": "response.steer"}), "type"),
            (json!({"type": 5}), "type"),
            (json!({"type": "response.create", "background": true}), "background"),
            (json!({"type": "response.create", "generate": "no"}), "generate"),
        ] {
            let refused = read(message.clone()).1.unwrap_err();
            assert_eq!(refused.detail().param.as_deref(), Some(param), "{message}");
        }
    }

    #[test]
    fn a_refused_message_still_says_what_it_followed() {
        let (origin, create) = read(json!({"type": "other", "previous_response_id": "resp_1"}));
        assert!(create.is_err());
        assert_eq!(origin.previous.as_deref(), Some("resp_1"));
        assert_eq!(Create::read(b"{").1.unwrap_err().detail().code.as_deref(), Some("invalid_json"));
    }
}
