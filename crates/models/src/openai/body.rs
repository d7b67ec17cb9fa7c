//! The body of a chat completions request, written straight from the borrowed request.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::json;

use crate::{
    ChatMessage, FunctionDeclaration, ModelRequest, Part, RequestedCall, ResponseFormat, ToolChoice,
};

/// The field that limits the length of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LengthField {
    /// What OpenAI and Azure expect today.
    #[default]
    MaxCompletionTokens,
    /// What older servers know.
    MaxTokens,
}

/// The body as JSON.
pub(crate) fn encode(request: &ModelRequest, length_field: LengthField) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Body { request, length_field })
}

struct Body<'a> {
    request: &'a ModelRequest,
    length_field: LengthField,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut fields = Fields { map: serializer.serialize_map(None)?, written: Vec::with_capacity(16) };
        fields.put("model", &request.model)?;
        fields.put("messages", &Messages(&request.messages))?;
        fields.put("stream", &true)?;
        fields.put("stream_options", &StreamOptions { include_usage: true })?;
        if !request.tools.is_empty() {
            fields.put("tools", &Tools(&request.tools))?;
            fields.put_some("tool_choice", choice(&request.tool_choice).as_ref())?;
            fields.put_some("parallel_tool_calls", request.parallel_tool_calls.as_ref())?;
        }
        fields.put_some("response_format", format(&request.response_format).as_ref())?;
        fields.put_some("temperature", request.temperature.as_ref())?;
        fields.put_some("top_p", request.top_p.as_ref())?;
        let length_field = match self.length_field {
            LengthField::MaxCompletionTokens => "max_completion_tokens",
            LengthField::MaxTokens => "max_tokens",
        };
        fields.put_some(length_field, request.max_completion_tokens.as_ref())?;
        for (name, value) in &request.extra {
            // What the request itself says counts; a name must not come twice.
            if !fields.written.contains(&name.as_str()) {
                fields.map.serialize_entry(name, value)?;
            }
        }
        fields.map.end()
    }
}

/// The object under construction and the names that it already has.
struct Fields<M> {
    map: M,
    written: Vec<&'static str>,
}

impl<M: SerializeMap> Fields<M> {
    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        self.written.push(name);
        self.map.serialize_entry(name, value)
    }

    fn put_some<T: Serialize>(&mut self, name: &'static str, value: Option<&T>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.put(name, value))
    }
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

struct Messages<'a>(&'a [ChatMessage]);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Message::from))
    }
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Content<'a>,
    },
    Assistant {
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: &'a str,
    },
}

impl<'a> From<&'a ChatMessage> for Message<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        match message {
            ChatMessage::System { text } => Self::System { content: text },
            ChatMessage::User { parts } => Self::User { content: Content(parts) },
            ChatMessage::Assistant { text, calls } => Self::Assistant {
                content: (!text.is_empty() || calls.is_empty()).then_some(text),
                tool_calls: calls.iter().map(Call::from).collect(),
            },
            ChatMessage::Tool { call_id, output } => Self::Tool { tool_call_id: call_id, content: output },
        }
    }
}

/// A single text goes as a string, which every server understands; anything else as parts.
struct Content<'a>(&'a [Part]);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [] => serializer.serialize_str(""),
            [Part::Text { text }] => serializer.serialize_str(text),
            parts => {
                let mut list = serializer.serialize_seq(Some(parts.len()))?;
                for part in parts {
                    list.serialize_element(&ContentPart::from(part))?;
                }
                list.end()
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
struct File<'a> {
    filename: &'a str,
    file_data: &'a str,
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl<'a> From<&'a Part> for ContentPart<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text { text } => Self::Text { text },
            Part::Image { url, detail } => {
                Self::ImageUrl { image_url: ImageUrl { url, detail: detail.as_deref() } }
            }
            Part::File { name, data } => Self::File { file: File { filename: name, file_data: data } },
        }
    }
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a RequestedCall> for Call<'a> {
    fn from(call: &'a RequestedCall) -> Self {
        let function = CalledFunction { name: &call.name, arguments: &call.arguments };
        Self { id: &call.id, r#type: "function", function }
    }
}

struct Tools<'a>(&'a [FunctionDeclaration]);

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0.iter().map(|function| Tool { r#type: "function", function: Function(function) }),
        )
    }
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

struct Function<'a>(&'a FunctionDeclaration);

impl Serialize for Function<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.0.name)?;
        if let Some(description) = &self.0.description {
            map.serialize_entry("description", description)?;
        }
        if !self.0.parameters.is_null() {
            map.serialize_entry("parameters", &self.0.parameters)?;
        }
        if let Some(strict) = self.0.strict {
            map.serialize_entry("strict", &strict)?;
        }
        map.end()
    }
}

fn choice(choice: &ToolChoice) -> Option<serde_json::Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::Function(name) => Some(json!({"type": "function", "function": {"name": name}})),
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn format(format: &ResponseFormat) -> Option<Format<'_>> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(Format::JsonObject),
        ResponseFormat::JsonSchema { name, description, schema, strict } => Some(Format::JsonSchema {
            json_schema: Schema { name, description: description.as_deref(), schema, strict: *strict },
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::Value;

    use super::*;

    fn encoded(request: &ModelRequest) -> Value {
        serde_json::from_slice(&encode(request, LengthField::MaxCompletionTokens).unwrap()).unwrap()
    }

    fn user(parts: Vec<Part>) -> ModelRequest {
        ModelRequest { model: "m".into(), messages: vec![ChatMessage::User { parts }], ..Default::default() }
    }

    #[test]
    fn a_small_request_holds_only_what_was_said() {
        let expected = json!({
            "model": "m", "messages": [{"role": "user", "content": "hi"}],
            "stream": true, "stream_options": {"include_usage": true},
        });
        assert_eq!(encoded(&user(vec![Part::Text { text: "hi".into() }])), expected);
    }

    #[test]
    fn the_whole_conversation_is_written() {
        let call = RequestedCall { id: "c1".into(), name: "f".into(), arguments: "{}".into() };
        let request = ModelRequest {
            messages: vec![
                ChatMessage::System { text: "be kind".into() },
                ChatMessage::User {
                    parts: vec![
                        Part::Text { text: "look".into() },
                        Part::Image { url: "data:image/png;base64,AA".into(), detail: Some("low".into()) },
                        Part::File { name: "a.pdf".into(), data: "data:application/pdf;base64,AA".into() },
                    ],
                },
                ChatMessage::Assistant { text: String::new(), calls: vec![call] },
                ChatMessage::Tool { call_id: "c1".into(), output: "42".into() },
                ChatMessage::Assistant { text: "42.".into(), calls: vec![] },
            ],
            ..Default::default()
        };
        let expected = json!([
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
            ]},
            {"role": "assistant", "content": null,
             "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "assistant", "content": "42."},
        ]);
        assert_eq!(encoded(&request)["messages"], expected);
    }

    #[test]
    fn tools_and_their_choice_are_written() {
        let function = FunctionDeclaration {
            name: "f".into(),
            description: Some("does".into()),
            parameters: json!({"type": "object"}),
            strict: Some(true),
        };
        let request = ModelRequest {
            tools: vec![function],
            tool_choice: ToolChoice::Function("f".into()),
            parallel_tool_calls: Some(false),
            ..Default::default()
        };
        let body = encoded(&request);
        let function =
            json!({"name": "f", "description": "does", "parameters": {"type": "object"}, "strict": true});
        assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
        assert_eq!(body["tool_choice"], json!({"type": "function", "function": {"name": "f"}}));
        assert_eq!(body["parallel_tool_calls"], false);
    }

    #[test]
    fn a_tool_choice_without_tools_is_left_out_because_servers_refuse_it() {
        let request =
            ModelRequest { tool_choice: ToolChoice::None, parallel_tool_calls: Some(true), ..user(vec![]) };
        let body = encoded(&request);
        assert!(body.get("tool_choice").is_none() && body.get("parallel_tool_calls").is_none());
    }

    #[test]
    fn a_schema_and_the_limits_are_written() {
        let request = ModelRequest {
            response_format: ResponseFormat::JsonSchema {
                name: "n".into(),
                description: None,
                schema: json!({"type": "object"}),
                strict: Some(true),
            },
            temperature: Some(0.5),
            top_p: Some(0.9),
            max_completion_tokens: Some(7),
            ..Default::default()
        };
        let body = encoded(&request);
        let schema = json!({"name": "n", "schema": {"type": "object"}, "strict": true});
        assert_eq!(body["response_format"], json!({"type": "json_schema", "json_schema": schema}));
        assert_eq!((&body["temperature"], &body["top_p"]), (&json!(0.5), &json!(0.9)));
        assert_eq!(body["max_completion_tokens"], 7);
        let older: Value =
            serde_json::from_slice(&encode(&request, LengthField::MaxTokens).unwrap()).unwrap();
        assert_eq!(older["max_tokens"], 7);
    }

    #[test]
    fn extra_fields_pass_but_do_not_override() {
        let mut request = user(vec![]);
        request.extra.insert("reasoning_effort".into(), json!("low"));
        request.extra.insert("model".into(), json!("other"));
        let text = String::from_utf8(encode(&request, LengthField::default()).unwrap()).unwrap();
        assert_eq!(text.matches("\"model\"").count(), 1);
        let body = encoded(&request);
        assert_eq!((&body["model"], &body["reasoning_effort"]), (&json!("m"), &json!("low")));
    }
}
