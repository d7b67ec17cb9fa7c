//! Messages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Extra, Metadata, UnixSeconds, tagged::tagged};

/// Who speaks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person or program that uses the agent.
    User,
    /// The agent.
    Assistant,
}

/// One message of a thread.
///
/// Over REST a finished message has no status fields, as the service sends it; in a stream, and where
/// a message was cut short, they are there.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Message {
    /// `msg_…`.
    pub id: String,
    /// Always `thread.message`.
    pub object: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// The agent that wrote it.
    pub assistant_id: Option<String>,
    /// The thread that it belongs to.
    pub thread_id: String,
    /// The run that wrote it.
    pub run_id: Option<String>,
    /// `in_progress`, `incomplete` or `completed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why it was cut short. The outer option says whether the field is there at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete_details: Option<Option<IncompleteDetails>>,
    /// When it was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete_at: Option<Option<UnixSeconds>>,
    /// When it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Option<UnixSeconds>>,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Vec<ContentBlock>,
    /// Files for the tools.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Why a message or a run was cut short.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct IncompleteDetails {
    /// For example `max_completion_tokens`.
    pub reason: String,
}

tagged! {
    /// A part of a message as it is stored and returned.
    ContentBlock by "type" {
        /// Text with its annotations.
        "text" => Text(TextBlock),
        /// An image that was uploaded as a file.
        "image_file" => ImageFile(ImageFile),
        /// An image somewhere else.
        "image_url" => ImageUrl(ImageUrl),
    }
}

/// Text with its annotations.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct TextBlock {
    /// The text.
    pub text: Text,
}

/// Text with its annotations.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Text {
    /// The text itself.
    pub value: String,
    /// Citations and file paths inside the text.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
}

/// A citation or a file path, kept as it came.
pub type Annotation = Value;

/// An image that was uploaded as a file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct ImageFile {
    /// Which file.
    pub image_file: FileReference,
}

/// A file by its id.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FileReference {
    /// `assistant-…`.
    pub file_id: String,
    /// `auto`, `low` or `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An image somewhere else.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct ImageUrl {
    /// Where.
    pub image_url: Extra,
}

tagged! {
    /// A part of a message as a client sends it.
    InputBlock by "type" {
        /// Plain text.
        "text" => Text(TextInput),
        /// An image that was uploaded as a file.
        "image_file" => ImageFile(ImageFile),
        /// An image somewhere else.
        "image_url" => ImageUrl(ImageUrl),
    }
}

/// Plain text. Clients send a string; a block taken from a stored message is accepted as well.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct TextInput {
    /// The text: a string, or `{"value": …}`.
    pub text: Value,
}

/// What a client says: one text, or a list of parts.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageInput {
    /// One text.
    Text(String),
    /// Parts.
    Blocks(Vec<InputBlock>),
}

impl Default for MessageInput {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Serialize for MessageInput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Blocks(blocks) => blocks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MessageInput {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            blocks @ Value::Array(_) => Ok(Self::Blocks(crate::tagged::variant(blocks)?)),
            _ => Err(serde::de::Error::custom("invalid type, expected a string or a list of content blocks")),
        }
    }
}

/// A file given to tools with a message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Attachment {
    /// Which file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The tools that get it.
    #[serde(default)]
    pub tools: Vec<Value>,
    /// A source that is not an uploaded file, and fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that creates a message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct CreateMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: MessageInput,
    /// Files for the tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Attachment>>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that changes only metadata: of a message or of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct UpdateMetadata {
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}
