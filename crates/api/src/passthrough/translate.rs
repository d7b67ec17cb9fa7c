//! A chat completion as a call of a provider that has no dialect of its own.

use cupola_models::{
    ChatMessage, FunctionDeclaration, ModelRequest, Part, RequestedCall, ResponseFormat, ToolChoice,
    catalog::Resolved,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::forward::Fields;
use crate::{
    ApiError,
    body::{document, parse},
};

/// What is read of a chat completion.
#[derive(Debug, Deserialize)]
pub struct ChatBody {
    messages: Vec<Message>,
    #[serde(default)]
    tools: Vec<Tool>,
    tool_choice: Option<Choice>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<Format>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_completion_tokens: Option<u64>,
    max_tokens: Option<u64>,
    n: Option<u64>,
    /// Whether the answer is to come as events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// What the events are to hold.
    pub stream_options: Option<StreamOptions>,
}

/// What the events of an answer are to hold.
#[derive(Debug, Deserialize)]
pub struct StreamOptions {
    /// Whether the last one tells the tokens that were used.
    #[serde(default)]
    pub include_usage: bool,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: Role,
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    tool_call_id: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart {
    Text { text: String },
    Refusal { refusal: String },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Debug, Deserialize)]
struct ImageUrl {
    url: String,
    detail: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Call {
    id: String,
    function: CalledFunction,
}

#[derive(Debug, Deserialize)]
struct CalledFunction {
    name: String,
    arguments: String,
}

#[derive(Debug, Deserialize)]
struct Tool {
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Choice {
    Word(String),
    Function { function: ChosenFunction },
}

#[derive(Debug, Deserialize)]
struct ChosenFunction {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format {
    Text,
    JsonObject,
    JsonSchema { json_schema: Schema },
}

#[derive(Debug, Deserialize)]
struct Schema {
    name: String,
    description: Option<String>,
    schema: Option<Value>,
    strict: Option<bool>,
}

impl ChatBody {
    /// Reads the fields of a call; an error names the field.
    pub fn read(fields: &Fields) -> Result<Self, ApiError> {
        let body: Self = parse(&document(fields))?;
        match body.n {
            None | Some(1) => Ok(body),
            Some(_) => Err(ApiError::invalid("This deployment's provider gives one choice: 'n' must be 1.")
                .code("invalid_value")
                .param("n")),
        }
    }

    /// The call of the provider.
    pub fn into_request(self, resolved: &Resolved) -> ModelRequest {
        ModelRequest {
            model: resolved.model.clone(),
            messages: self.messages.into_iter().map(Message::translated).collect(),
            tools: self.tools.into_iter().map(|tool| tool.function.translated()).collect(),
            tool_choice: self.tool_choice.map_or(ToolChoice::Auto, Choice::translated),
            parallel_tool_calls: self.parallel_tool_calls,
            response_format: self.response_format.map_or(ResponseFormat::Text, Format::translated),
            temperature: self.temperature,
            top_p: self.top_p,
            max_completion_tokens: self
                .max_completion_tokens
                .or(self.max_tokens)
                .or(resolved.max_output_tokens),
            extra: resolved.extra.clone(),
        }
    }
}

impl Message {
    fn translated(self) -> ChatMessage {
        match self.role {
            Role::System | Role::Developer => ChatMessage::System { text: text(self.content) },
            Role::User => ChatMessage::User { parts: parts(self.content) },
            Role::Assistant => ChatMessage::Assistant {
                text: text(self.content),
                calls: self.tool_calls.into_iter().flatten().map(Call::translated).collect(),
            },
            Role::Tool => ChatMessage::Tool {
                call_id: self.tool_call_id.unwrap_or_default(),
                output: text(self.content),
            },
        }
    }
}

impl Call {
    fn translated(self) -> RequestedCall {
        RequestedCall { id: self.id, name: self.function.name, arguments: self.function.arguments }
    }
}

impl Function {
    fn translated(self) -> FunctionDeclaration {
        FunctionDeclaration {
            name: self.name,
            description: self.description,
            parameters: self.parameters.unwrap_or_else(|| Value::Object(Map::new())),
            strict: self.strict,
        }
    }
}

impl Choice {
    fn translated(self) -> ToolChoice {
        match self {
            Self::Word(word) if word == "none" => ToolChoice::None,
            Self::Word(word) if word == "required" => ToolChoice::Required,
            Self::Word(_) => ToolChoice::Auto,
            Self::Function { function } => ToolChoice::Function(function.name),
        }
    }
}

impl Format {
    fn translated(self) -> ResponseFormat {
        match self {
            Self::Text => ResponseFormat::Text,
            Self::JsonObject => ResponseFormat::JsonObject,
            Self::JsonSchema { json_schema: schema } => ResponseFormat::JsonSchema {
                name: schema.name,
                description: schema.description,
                schema: schema.schema.unwrap_or_else(|| Value::Object(Map::new())),
                strict: schema.strict,
            },
        }
    }
}

/// The text of a content; images and files in it are of no use to who reads only text.
fn text(content: Option<Content>) -> String {
    let texts = parts(content).into_iter().filter_map(|part| match part {
        Part::Text { text } => Some(text),
        Part::Image { .. } | Part::File { .. } => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn parts(content: Option<Content>) -> Vec<Part> {
    match content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![Part::Text { text }],
        Some(Content::Parts(parts)) => parts
            .into_iter()
            .map(|part| match part {
                ContentPart::Text { text } | ContentPart::Refusal { refusal: text } => Part::Text { text },
                ContentPart::ImageUrl { image_url } => {
                    Part::Image { url: image_url.url, detail: image_url.detail }
                }
            })
            .collect(),
    }
}
