//! What is asked of a model and what comes back, independent of any server's dialect.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One call of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelRequest {
    /// The model's name at its provider.
    pub model: String,
    /// The conversation so far, oldest first.
    pub messages: Vec<ChatMessage>,
    /// The functions that it may call.
    pub tools: Vec<FunctionDeclaration>,
    /// Whether and what it must call.
    pub tool_choice: ToolChoice,
    /// Whether it may ask for several calls at once; `None` leaves it to the provider.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    pub response_format: ResponseFormat,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// The most tokens that it may write.
    pub max_completion_tokens: Option<u64>,
    /// Further fields for the upstream, passed as they are.
    pub extra: Map<String, Value>,
}

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum ChatMessage {
    /// Instructions.
    System {
        /// The text.
        text: String,
    },
    /// What the person or program says.
    User {
        /// Its parts.
        parts: Vec<Part>,
    },
    /// What the model said and asked for.
    Assistant {
        /// The text, empty where it only called functions.
        text: String,
        /// The calls that it asked for.
        calls: Vec<RequestedCall>,
    },
    /// What a function returned.
    Tool {
        /// Which call.
        call_id: String,
        /// The output.
        output: String,
    },
}

/// A part of what the person or program says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// An image: a web address or a `data:` address.
    Image {
        /// The address.
        url: String,
        /// `auto`, `low` or `high`.
        detail: Option<String>,
    },
}

/// A call that a model asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedCall {
    /// The call's id, unique within its turn.
    pub id: String,
    /// The function.
    pub name: String,
    /// Its arguments, a JSON text as the model wrote it.
    pub arguments: String,
}

/// A function that a model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionDeclaration {
    /// The name.
    pub name: String,
    /// When and how to use it.
    pub description: Option<String>,
    /// A JSON schema of its arguments.
    pub parameters: Value,
    /// Whether the arguments must follow the schema exactly.
    pub strict: Option<bool>,
}

/// Whether and what a model must call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// No calls.
    None,
    /// At least one call.
    Required,
    /// A call of this function.
    Function(String),
}

/// The form of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text.
    #[default]
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether it must be followed exactly.
        strict: Option<bool>,
    },
}

/// The next piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelDelta {
    /// More text.
    Text(String),
    /// More of why it does not answer.
    Refusal(String),
    /// More of what it thinks on its way.
    Reasoning(String),
    /// More of what it thinks, in short.
    ReasoningSummary(String),
    /// A call begins.
    CallBegan {
        /// Its place among the calls of this answer: 0, 1, 2, …, without gaps.
        index: usize,
        /// The upstream's id; may be empty, and unique only within this answer.
        id: String,
        /// The function.
        name: String,
    },
    /// More of a call's arguments.
    CallArguments {
        /// Which call.
        index: usize,
        /// The next piece.
        text: String,
    },
    /// Tokens used so far; the last one counts.
    Usage(ModelUsage),
    /// The answer is complete. Nothing follows but, at most, `Usage`.
    Finish(Finish),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    Stop,
    /// It wrote as many tokens as it may.
    Length,
    /// It wants functions called.
    ToolCalls,
    /// The upstream withheld the rest.
    ContentFilter,
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// Tokens that the model was given.
    pub prompt_tokens: u64,
    /// Tokens that it wrote.
    pub completion_tokens: u64,
    /// Tokens of the prompt that the upstream had cached.
    pub cached_tokens: u64,
    /// Those of the written tokens that were thought, not said.
    #[serde(default)]
    pub reasoning_tokens: u64,
}
