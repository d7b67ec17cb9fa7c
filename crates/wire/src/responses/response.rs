//! A response: where it stands, and what came out of it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

use super::{AgentReference, Item};
use crate::{Extra, Metadata, UnixSeconds, words::words};

words! {
    /// Where a response stands.
    ResponseStatus {
        /// Accepted.
        "queued" => Queued,
        /// The model or a tool is at work.
        "in_progress" => InProgress,
        /// Done. Where its output has function calls, the client goes on by answering them.
        "completed" => Completed,
        /// Cut short by a limit; `incomplete_details` says which.
        "incomplete" => Incomplete,
        /// Ended by a fault; `error` says which.
        "failed" => Failed,
        /// Stopped.
        "cancelled" => Cancelled,
    }
}

impl ResponseStatus {
    /// Whether nothing will change any more.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Incomplete | Self::Failed | Self::Cancelled)
    }
}

/// A response.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Response {
    /// `resp_…`.
    pub id: String,
    /// Always `response`.
    #[serde(default)]
    pub object: String,
    /// Where it stands.
    pub status: ResponseStatus,
    /// When it was created.
    #[serde(default, deserialize_with = "seconds")]
    pub created_at: Option<UnixSeconds>,
    /// When it was completed.
    #[serde(default, deserialize_with = "seconds")]
    pub completed_at: Option<UnixSeconds>,
    /// The deployment that answered.
    #[serde(default)]
    pub model: Option<String>,
    /// What came out.
    #[serde(default)]
    pub output: Vec<Item>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<ResponseError>,
    /// Which limit cut it short.
    #[serde(default)]
    pub incomplete_details: Option<ResponseIncomplete>,
    /// Tokens.
    #[serde(default)]
    pub usage: Option<ResponseUsage>,
    /// The agent that answered, with its version.
    #[serde(default)]
    pub agent_reference: Option<AgentReference>,
    /// The conversation that it belongs to.
    #[serde(default)]
    pub conversation: Option<ConversationReference>,
    /// The response that it went on from.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// Whether the service works on it while nobody waits.
    #[serde(default)]
    pub background: Option<bool>,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Option<Metadata>,
    /// All other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Whole seconds: some services send fractions.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixSeconds>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    Ok(number.and_then(|number| number.as_i64().or_else(|| number.as_f64().map(|exact| exact as i64))))
}

/// Why a response failed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ResponseError {
    /// A word for programs.
    #[serde(default)]
    pub code: Option<String>,
    /// A sentence for people.
    #[serde(default)]
    pub message: String,
}

/// Which limit cut a response short.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ResponseIncomplete {
    /// For example `max_output_tokens`.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The tokens of a response.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct ResponseUsage {
    /// What the model was given.
    #[serde(default)]
    pub input_tokens: u64,
    /// What the model wrote.
    #[serde(default)]
    pub output_tokens: u64,
    /// Both.
    #[serde(default)]
    pub total_tokens: u64,
    /// Details.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The conversation that a response belongs to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ConversationReference {
    /// `conv_…`.
    pub id: String,
}

/// The answer to the delete of a response.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ResponseDeleted {
    /// What was deleted.
    pub id: String,
    /// Always true.
    pub deleted: bool,
}

/// How many tokens a request would give to the model.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct InputTokens {
    /// Always `response.input_tokens`.
    #[serde(default)]
    pub object: String,
    /// So many.
    pub input_tokens: u64,
}

/// A history that was made shorter.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct CompactedResponse {
    /// Its id.
    pub id: String,
    /// The items that stand for the history: the input of the next request begins with them.
    #[serde(default)]
    pub output: Vec<Item>,
    /// Tokens.
    #[serde(default)]
    pub usage: Option<ResponseUsage>,
    /// All other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Response {
    /// A field that this version has no name for.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.extra.get(name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_may_have_a_fraction() {
        let sent = json!({"id": "resp_1", "status": "completed", "created_at": 1746168385.75});
        let response: Response = serde_json::from_value(sent).expect("is read");
        assert_eq!((response.created_at, response.completed_at), (Some(1_746_168_385), None));
    }

    #[test]
    fn only_an_end_is_terminal() {
        for (word, is_terminal) in [
            ("queued", false),
            ("in_progress", false),
            ("dreaming", false),
            ("completed", true),
            ("incomplete", true),
            ("failed", true),
            ("cancelled", true),
        ] {
            assert_eq!(ResponseStatus::from(word).is_terminal(), is_terminal, "{word}");
        }
    }
}
