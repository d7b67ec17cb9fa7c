//! What the versions of the protocol call things.

use serde_json::{Value, json};

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 0.3 and before.
    V0,
    /// 1.0 and after.
    V1,
}

/// What can be asked of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Takes a message and answers at the end.
    Send,
    /// Takes a message and tells what happens.
    Stream,
    /// Tells how far a task is.
    Get,
    /// Stops a task.
    Cancel,
}

impl Version {
    /// The version of this name, as cards write it. What can't be read is taken for the older one, in which
    /// cards need not say it.
    pub fn named(name: &str) -> Self {
        let first = name.trim_start_matches('v').split('.').next().unwrap_or_default();
        if first.parse::<u32>().is_ok_and(|first| first >= 1) { Self::V1 } else { Self::V0 }
    }

    /// What the header `A2A-Version` says.
    pub fn header(self) -> &'static str {
        match self {
            Self::V0 => "0.3",
            Self::V1 => "1.0",
        }
    }

    /// The name of a method.
    pub fn method(self, method: Method) -> &'static str {
        match (self, method) {
            (Self::V0, Method::Send) => "message/send",
            (Self::V0, Method::Stream) => "message/stream",
            (Self::V0, Method::Get) => "tasks/get",
            (Self::V0, Method::Cancel) => "tasks/cancel",
            (Self::V1, Method::Send) => "SendMessage",
            (Self::V1, Method::Stream) => "SendStreamingMessage",
            (Self::V1, Method::Get) => "GetTask",
            (Self::V1, Method::Cancel) => "CancelTask",
        }
    }

    /// The parameters of a message of text. An agent that can answer at once is to take its time instead.
    pub fn message(self, id: &str, text: &str) -> Value {
        let accepted = ["text/plain", "application/json"];
        match self {
            Self::V0 => json!({
                "message": {
                    "kind": "message", "messageId": id, "role": "user",
                    "parts": [{"kind": "text", "text": text}],
                },
                "configuration": {"acceptedOutputModes": accepted, "blocking": true},
            }),
            Self::V1 => json!({
                "message": {"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]},
                "configuration": {"acceptedOutputModes": accepted, "returnImmediately": false},
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_by_their_first_number() {
        for (name, expected) in [
            ("0.3.0", Version::V0),
            ("0.2", Version::V0),
            ("", Version::V0),
            ("1.0", Version::V1),
            ("v1", Version::V1),
            ("2.1.3", Version::V1),
        ] {
            assert_eq!(Version::named(name), expected, "{name}");
        }
    }
}
