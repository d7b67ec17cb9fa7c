//! What is inside a message: a text, or parts of several kinds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Extra, tagged::tagged};

/// What a message says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum ItemContent {
    /// A plain text: clients may send one, services send parts.
    Text(String),
    /// Parts.
    Parts(Vec<ContentPart>),
}

impl ItemContent {
    /// All text in it, in order.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(ContentPart::text).collect(),
        }
    }
}

impl Default for ItemContent {
    fn default() -> Self {
        Self::Parts(Vec::new())
    }
}

tagged! {
    /// A part of a message.
    ContentPart by "type" {
        /// Text that a client sent.
        "input_text" => InputText(PartText),
        /// Text that a model wrote.
        "output_text" => OutputText(OutputText),
        /// Why the model says nothing.
        "refusal" => Refusal(Refusal),
    }
}

impl ContentPart {
    /// The text, where the part is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::InputText(part) => Some(&part.text),
            Self::OutputText(part) => Some(&part.text),
            _ => None,
        }
    }
}

/// Text that a client sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct PartText {
    /// The text.
    #[serde(default)]
    pub text: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Text that a model wrote.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct OutputText {
    /// The text.
    #[serde(default)]
    pub text: String,
    /// Where it has its knowledge from.
    #[serde(default)]
    pub annotations: Vec<Value>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Why the model says nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Refusal {
    /// Its words.
    #[serde(default)]
    pub refusal: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}
