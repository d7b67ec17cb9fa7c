//! What a client sends: a message of text, and how it wants to be answered. Both transports are read here.

use serde_json::{Value, json};

use super::fault::Fault;

const LONGEST_CONTEXT: usize = 256;

/// A message to the agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The texts, in order.
    pub texts: Vec<String>,
    /// What it belongs to, as the client calls it.
    pub context: Option<String>,
    /// The task that it is about.
    pub task: Option<String>,
    /// Whether the client wants to wait for the end.
    pub blocking: bool,
    /// How many messages the client wants to see again.
    pub history_length: Option<usize>,
}

impl Sent {
    /// Reads the parameters of a `message/send` or `message/stream`.
    pub fn read(params: &Value) -> Result<Self, Fault> {
        // HTTP+JSON says `request` where it is told how its messages are made.
        let (name, message) = match &params["message"] {
            Value::Null => ("request", &params["request"]),
            message => ("message", message),
        };
        if !message.is_object() {
            return Err(Fault::wrong("'message' has to be an object."));
        }
        if !matches!(message["role"].as_str(), Some("user" | "ROLE_USER")) {
            return Err(Fault::wrong(format!("'{name}.role' has to be 'user'.")));
        }
        let configuration = &params["configuration"];
        let asks_for_push = ["pushNotificationConfig", "pushNotification"]
            .iter()
            .any(|field| !configuration[*field].is_null());
        if asks_for_push {
            return Err(Fault::no_push());
        }
        let context = text(message, "contextId");
        if context.as_ref().is_some_and(|context| context.len() > LONGEST_CONTEXT) {
            let message = format!("'{name}.contextId' has more than {LONGEST_CONTEXT} bytes.");
            return Err(Fault::wrong(message));
        }
        Ok(Self {
            texts: texts(name, message)?,
            context,
            task: text(message, "taskId"),
            blocking: configuration["blocking"] != false,
            history_length: history_length(&configuration["historyLength"]),
        })
    }

    /// The message as input of a response.
    pub fn as_input(&self) -> Value {
        let parts = self.texts.iter().map(|text| json!({"type": "input_text", "text": text}));
        json!([{"type": "message", "role": "user", "content": parts.collect::<Vec<_>>()}])
    }
}

/// How many messages a client wants to see, as a number or in digits.
pub fn history_length(sent: &Value) -> Option<usize> {
    let number = sent.as_u64().or_else(|| sent.as_str().and_then(|digits| digits.parse().ok()));
    number.and_then(|number| usize::try_from(number).ok())
}

fn text(message: &Value, field: &str) -> Option<String> {
    message[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(name: &str, message: &Value) -> Result<Vec<String>, Fault> {
    let (field, parts) = match &message["parts"] {
        Value::Null => ("content", &message["content"]),
        parts => ("parts", parts),
    };
    let parts = parts.as_array().filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| Fault::wrong(format!("'{name}.parts' has to be a list of parts.")))?;
    let texts = parts.iter().enumerate().map(|(index, part)| {
        let is_text = matches!(part["kind"].as_str(), None | Some("text"));
        let text = part["text"].as_str().filter(|_| is_text);
        text.map(str::to_owned).ok_or_else(|| Fault::not_text(&format!("{name}.{field}[{index}]")))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_transports_say_the_same() {
        let rpc = json!({
            "message": {"role": "user", "parts": [{"kind": "text", "text": "Hi"}], "contextId": "c"},
            "configuration": {"blocking": false, "historyLength": 2},
        });
        let rest = json!({
            "request": {"role": "ROLE_USER", "content": [{"text": "Hi"}], "contextId": "c", "taskId": ""},
            "configuration": {"blocking": false, "historyLength": "2"},
        });
        let expected = Sent {
            texts: vec!["Hi".to_owned()],
            context: Some("c".to_owned()),
            task: None,
            blocking: false,
            history_length: Some(2),
        };
        assert_eq!(Sent::read(&rpc).expect("is a message"), expected);
        assert_eq!(Sent::read(&rest).expect("is a message"), expected);
    }

    #[test]
    fn whoever_does_not_say_otherwise_waits() {
        let params = json!({"message": {"role": "user", "parts": [{"kind": "text", "text": "Hi"}]}});
        assert!(Sent::read(&params).expect("is a message").blocking);
    }
}
