//! The voices in which a model speaks, and how each of them is told.

use serde_json::{Value, json};

/// A way of saying something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The answer.
    Text,
    /// Why there is no answer.
    Refusal,
    /// What the model thought on its way, word by word.
    Thought,
    /// What it thought, in short.
    Summary,
}

impl Voice {
    /// The voice of a delta, by the type of its event.
    pub fn of_delta(event: &str) -> Option<Self> {
        let all = [Self::Text, Self::Refusal, Self::Thought, Self::Summary];
        all.into_iter().find(|voice| event.strip_suffix(".delta") == Some(voice.event()))
    }

    /// The voice of a part, by its type.
    pub fn of_part(kind: &str) -> Option<Self> {
        match kind {
            "output_text" => Some(Self::Text),
            "refusal" => Some(Self::Refusal),
            "reasoning_text" => Some(Self::Thought),
            "summary_text" => Some(Self::Summary),
            _ => None,
        }
    }

    /// Whether it speaks in a message. What is thought has items of its own.
    pub fn is_message(self) -> bool {
        matches!(self, Self::Text | Self::Refusal)
    }

    /// The events of its words, without their ending.
    pub fn event(self) -> &'static str {
        match self {
            Self::Text => "response.output_text",
            Self::Refusal => "response.refusal",
            Self::Thought => "response.reasoning_text",
            Self::Summary => "response.reasoning_summary_text",
        }
    }

    /// The events of its parts, without their ending.
    pub fn part_event(self) -> &'static str {
        match self {
            Self::Text | Self::Refusal | Self::Thought => "response.content_part",
            Self::Summary => "response.reasoning_summary_part",
        }
    }

    /// In which list of its item its parts are.
    pub fn list(self) -> &'static str {
        match self {
            Self::Text | Self::Refusal | Self::Thought => "content",
            Self::Summary => "summary",
        }
    }

    /// The field that says where in the list a part is.
    pub fn index(self) -> &'static str {
        match self {
            Self::Text | Self::Refusal | Self::Thought => "content_index",
            Self::Summary => "summary_index",
        }
    }

    /// A part that says this.
    pub fn part(self, text: &str) -> Value {
        match self {
            Self::Text => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
            Self::Refusal => json!({"type": "refusal", "refusal": text}),
            Self::Thought => json!({"type": "reasoning_text", "text": text}),
            Self::Summary => json!({"type": "summary_text", "text": text}),
        }
    }

    /// The body of the event of more words, at its place.
    pub fn delta(self, mut place: Value, text: &str) -> Value {
        place["delta"] = json!(text);
        if self == Self::Text {
            place["logprobs"] = json!([]);
        }
        place
    }

    /// The body of the event of all words, without its place.
    pub fn done(self, text: &str) -> Value {
        match self {
            Self::Text => json!({"text": text, "logprobs": []}),
            Self::Refusal => json!({"refusal": text}),
            Self::Thought | Self::Summary => json!({"text": text}),
        }
    }
}
