//! What the body of a response may say, field by field, with the wire's words for what it may not.
//! Only what a request says itself is checked here: what an agent says was checked with the agent.

use serde_json::{Map, Value, json};

use super::request::{field, flag, text};
use crate::{
    ApiError,
    classic::checks,
    items::{missing, wrong_type},
    tools::{self, mcp},
};

/// What may be asked for in `include`, by OpenAI or by Foundry.
const INCLUDABLE: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "memory_search_call.results",
];
const TEXTS: &[&str] =
    &["model", "instructions", "previous_response_id", "user", "prompt_cache_key", "safety_identifier"];
const FLAGS: &[&str] = &["stream", "store", "background", "parallel_tool_calls"];
const MAX_LOGPROBS: i64 = 20;

type Body = Map<String, Value>;

/// Checks the ranges and the types that every response has in common.
pub fn check(body: &Body) -> Result<(), ApiError> {
    TEXTS.iter().try_for_each(|name| text(body, name).map(drop))?;
    FLAGS.iter().try_for_each(|name| flag(body, name).map(drop))?;
    checks::range("temperature", number(body, "temperature")?, 0.0, 2.0)?;
    checks::range("top_p", number(body, "top_p")?, 0.0, 1.0)?;
    count(body, "max_output_tokens", 1, i64::MAX)?;
    count(body, "max_tool_calls", 1, i64::MAX)?;
    count(body, "top_logprobs", 0, MAX_LOGPROBS)?;
    if let Some(word) = text(body, "truncation")? {
        one_of("truncation", word, &["auto", "disabled"])?;
    }
    metadata(body)?;
    include(body)?;
    tools(body)?;
    tool_choice(body)?;
    text_format(body)
}

/// A model is asked something, or goes on with something.
pub fn check_question(body: &Body) -> Result<(), ApiError> {
    let is_empty = match field(body, "input") {
        None => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    // Clients leave the input out where the conversation has the question already.
    let follows = ["conversation", "previous_response_id", "prompt"];
    if !is_empty || follows.iter().any(|name| field(body, name).is_some()) {
        return Ok(());
    }
    let message =
        "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided, and not empty.";
    Err(ApiError::invalid(message).code("missing_required_parameter").param("input"))
}

fn metadata(body: &Body) -> Result<(), ApiError> {
    #[derive(serde::Deserialize)]
    struct Only {
        metadata: cupola_wire::Metadata,
    }
    let Some(metadata) = field(body, "metadata") else { return Ok(()) };
    let Only { metadata } = crate::body::parse_value(json!({ "metadata": metadata }))?;
    checks::metadata("metadata", Some(&metadata))
}

fn include(body: &Body) -> Result<(), ApiError> {
    let words = match field(body, "include") {
        None => return Ok(()),
        Some(Value::Array(words)) => words,
        Some(_) => return Err(wrong_type("include", "an array of strings")),
    };
    words.iter().enumerate().try_for_each(|(index, word)| {
        let param = format!("include[{index}]");
        one_of(&param, word.as_str().ok_or_else(|| wrong_type(&param, "a string"))?, INCLUDABLE)
    })
}

fn tools(body: &Body) -> Result<(), ApiError> {
    let tools = match field(body, "tools") {
        None => return Ok(()),
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err(wrong_type("tools", "an array")),
    };
    checks::count("tools", tools.len(), checks::MAX_TOOLS)?;
    tools.iter().enumerate().try_for_each(|(index, tool)| self::tool(&format!("tools[{index}]"), tool))
}

fn tool(param: &str, tool: &Value) -> Result<(), ApiError> {
    if !tool.is_object() {
        return Err(wrong_type(param, "an object"));
    }
    let kind = required_text(tool, param, "type")?;
    if kind == mcp::KIND {
        required_text(tool, param, "server_label")?;
    }
    if !matches!(kind, "function" | "custom") {
        return tool.as_object().map_or(Ok(()), |tool| tools::check(param, tool));
    }
    // Older clients nest the declaration, as chat completions does.
    let (declared, param) = match tool.get(kind) {
        Some(nested @ Value::Object(_)) => (nested, format!("{param}.{kind}")),
        _ => (tool, param.to_owned()),
    };
    checks::name(&format!("{param}.name"), required_text(declared, &param, "name")?)?;
    match declared.get("parameters") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(wrong_type(&format!("{param}.parameters"), "an object")),
    }
}

fn tool_choice(body: &Body) -> Result<(), ApiError> {
    let choice = match field(body, "tool_choice") {
        None => return Ok(()),
        Some(Value::String(word)) => return one_of("tool_choice", word, &["none", "auto", "required"]),
        Some(choice @ Value::Object(_)) => choice,
        Some(_) => return Err(wrong_type("tool_choice", "a string or an object")),
    };
    let declared = Declared(body);
    match required_text(choice, "tool_choice", "type")? {
        "allowed_tools" => {
            one_of("tool_choice.mode", required_text(choice, "tool_choice", "mode")?, &["auto", "required"])?;
            let Some(Value::Array(allowed)) = choice.get("tools") else {
                return Err(missing("tool_choice.tools"));
            };
            allowed.iter().enumerate().try_for_each(|(index, tool)| {
                let param = format!("tool_choice.tools[{index}]");
                required_text(tool, &param, "type")?;
                declared.has(tool, &param)
            })
        }
        _ => declared.has(choice, "tool_choice"),
    }
}

/// The tools that a body declares.
struct Declared<'b>(&'b Body);

impl Declared<'_> {
    /// Whether a function or a custom tool that is chosen is declared. Other tools are not named.
    fn has(&self, chosen: &Value, param: &str) -> Result<(), ApiError> {
        let kind = chosen["type"].as_str().unwrap_or_default();
        if !matches!(kind, "function" | "custom") {
            return Ok(());
        }
        let Some(name) = name_of(chosen) else { return Err(missing(&format!("{param}.name"))) };
        let tools = self.0.get("tools").and_then(Value::as_array);
        if tools.into_iter().flatten().any(|tool| declares(tool, kind, name)) {
            return Ok(());
        }
        Err(ApiError::invalid(format!("Tool choice '{name}' not found in 'tools' parameter."))
            .code("invalid_value")
            .param(param))
    }
}

/// Whether a tool is this one, or a namespace with this one in it.
fn declares(tool: &Value, kind: &str, name: &str) -> bool {
    let is_it = tool["type"] == kind && name_of(tool) == Some(name);
    let within = tool["tools"].as_array().into_iter().flatten();
    is_it || within.into_iter().any(|tool| declares(tool, kind, name))
}

/// The name of a tool, also where it is nested as in chat completions.
pub fn name_of(tool: &Value) -> Option<&str> {
    let nested = tool["type"].as_str().and_then(|kind| tool[kind]["name"].as_str());
    tool["name"].as_str().or(nested)
}

fn text_format(body: &Body) -> Result<(), ApiError> {
    let format = match field(body, "text") {
        None => return Ok(()),
        Some(text @ Value::Object(_)) => &text["format"],
        Some(_) => return Err(wrong_type("text", "an object")),
    };
    if format.is_null() {
        return Ok(());
    }
    if !format.is_object() {
        return Err(wrong_type("text.format", "an object"));
    }
    let kind = required_text(format, "text.format", "type")?;
    one_of("text.format.type", kind, &["text", "json_object", "json_schema"])?;
    if kind != "json_schema" {
        return Ok(());
    }
    checks::name("text.format.name", required_text(format, "text.format", "name")?)?;
    match &format["schema"] {
        Value::Object(_) => Ok(()),
        Value::Null => Err(missing("text.format.schema")),
        _ => Err(wrong_type("text.format.schema", "an object")),
    }
}

fn required_text<'v>(object: &'v Value, param: &str, name: &str) -> Result<&'v str, ApiError> {
    let param = format!("{param}.{name}");
    match object.get(name) {
        None | Some(Value::Null) => Err(missing(&param)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(wrong_type(&param, "a string")),
    }
}

fn one_of(param: &str, word: &str, known: &[&str]) -> Result<(), ApiError> {
    if known.contains(&word) {
        return Ok(());
    }
    let quoted: Vec<_> = known.iter().map(|word| format!("'{word}'")).collect();
    let listed = match quoted.as_slice() {
        [first, second] => format!("{first} and {second}"),
        [front @ .., last] => format!("{}, and {last}", front.join(", ")),
        [] => String::new(),
    };
    Err(ApiError::invalid(format!("Invalid value: '{word}'. Supported values are: {listed}."))
        .code("invalid_value")
        .param(param))
}

fn number(body: &Body, name: &str) -> Result<Option<f64>, ApiError> {
    match field(body, name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| wrong_type(name, "a number")),
    }
}

fn count(body: &Body, name: &str, least: i64, most: i64) -> Result<(), ApiError> {
    match field(body, name) {
        None => Ok(()),
        // What is too large for a count is larger than any limit.
        Some(value) => match value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX)) {
            Some(number) => checks::integer(name, number, least, most),
            None => Err(wrong_type(name, "a whole number")),
        },
    }
}
