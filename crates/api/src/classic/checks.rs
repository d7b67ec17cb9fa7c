//! The limits of the service, each with the wire's words and the path of the field.

use cupola_wire::{
    Extra, Metadata,
    classic::{Attachment, ContentBlock, InputBlock, MessageInput, Text, TextBlock, Tool, ToolResources},
};
use serde_json::Value;

use crate::{
    ApiError,
    tools::{self, connected_agent, mcp},
};

pub const MAX_NAME: usize = 256;
pub const MAX_DESCRIPTION: usize = 512;
pub const MAX_INSTRUCTIONS: usize = 256_000;
pub const MAX_MESSAGE_TEXT: usize = 1_500_000;
pub const MAX_TOOLS: usize = 128;
pub const MAX_FILES: usize = 10_000;
pub const MAX_MESSAGES: usize = 100_000;
const MAX_PAIRS: usize = 16;
const MAX_PAIR_KEY: usize = 64;
const MAX_PAIR_VALUE: usize = 512;
const MAX_FUNCTION_NAME: usize = 64;

fn invalid(code: &str, param: &str, sentence: String) -> ApiError {
    ApiError::invalid(sentence).code(code).param(param)
}

/// Text up to so many characters.
pub fn text(param: &str, text: Option<&str>, max: usize) -> Result<(), ApiError> {
    // Bytes are an upper bound that costs nothing.
    let Some(text) = text.filter(|text| text.len() > max) else { return Ok(()) };
    let length = text.chars().count();
    if length <= max {
        return Ok(());
    }
    let sentence = format!(
        "Invalid '{param}': string too long. Expected a string with maximum length {max}, \
         but got a string with length {length} instead."
    );
    Err(invalid("string_above_max_length", param, sentence))
}

/// At most so many entries.
pub fn count(param: &str, length: usize, max: usize) -> Result<(), ApiError> {
    if length <= max {
        return Ok(());
    }
    let sentence = format!(
        "Invalid '{param}': array too long. Expected an array with maximum length {max}, \
         but got an array with length {length} instead."
    );
    Err(invalid("array_above_max_length", param, sentence))
}

/// A number within its range.
pub fn range(param: &str, number: Option<f64>, min: f64, max: f64) -> Result<(), ApiError> {
    match number {
        Some(number) if number > max => Err(invalid(
            "decimal_above_max_value",
            param,
            format!(
                "Invalid '{param}': decimal above maximum value. Expected a value <= {max}, \
                 but got {number} instead."
            ),
        )),
        Some(number) if number < min => Err(invalid(
            "decimal_below_min_value",
            param,
            format!(
                "Invalid '{param}': decimal below minimum value. Expected a value >= {min}, \
                 but got {number} instead."
            ),
        )),
        _ => Ok(()),
    }
}

/// A count that is at least one.
pub fn positive(param: &str, number: Option<u64>) -> Result<(), ApiError> {
    match number {
        Some(0) => integer(param, 0, 1, i64::MAX),
        _ => Ok(()),
    }
}

/// A whole number within its range.
pub fn integer(param: &str, number: i64, least: i64, most: i64) -> Result<(), ApiError> {
    let (code, side, limit) = match number {
        number if number < least => ("integer_below_min_value", "below minimum", format!(">= {least}")),
        number if number > most => ("integer_above_max_value", "above maximum", format!("<= {most}")),
        _ => return Ok(()),
    };
    let sentence = format!(
        "Invalid '{param}': integer {side} value. Expected a value {limit}, but got {number} instead."
    );
    Err(invalid(code, param, sentence))
}

/// The name of a function, or of what else a model has to write word for word.
pub fn name(param: &str, name: &str) -> Result<(), ApiError> {
    text(param, Some(name), MAX_FUNCTION_NAME)?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if plain && !name.is_empty() {
        return Ok(());
    }
    let sentence = format!(
        "Invalid '{param}': string does not match pattern. \
         Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    Err(invalid("invalid_value", param, sentence))
}

/// Up to sixteen pairs of short text.
pub fn metadata(param: &str, metadata: Option<&Metadata>) -> Result<(), ApiError> {
    let Some(metadata) = metadata else { return Ok(()) };
    if metadata.len() > MAX_PAIRS {
        let pairs = metadata.len();
        let sentence = format!(
            "Invalid '{param}': too many properties. Expected an object with at most {MAX_PAIRS} properties, \
             but got an object with {pairs} properties instead."
        );
        return Err(invalid("object_above_max_properties", param, sentence));
    }
    metadata.iter().try_for_each(|(key, value)| {
        text(&format!("{param} key"), Some(key), MAX_PAIR_KEY)?;
        text(&format!("{param}.{key}"), Some(value), MAX_PAIR_VALUE)
    })
}

/// Tools: how many, and what a function must have.
pub fn tools(tools: Option<&[Tool]>) -> Result<(), ApiError> {
    let Some(tools) = tools else { return Ok(()) };
    count("tools", tools.len(), MAX_TOOLS)?;
    for (index, tool) in tools.iter().enumerate() {
        let Tool::Function(tool) = tool else {
            server(&format!("tools[{index}]"), tool)?;
            connected_agent(index, tool)?;
            if let Tool::Other(fields) = tool {
                tools::check(&format!("tools[{index}]"), fields)?;
            }
            continue;
        };
        let function = &tool.function;
        let param = format!("tools[{index}].function.name");
        name(&param, &function.name)?;
        if !function.parameters.is_null() && !function.parameters.is_object() {
            let param = format!("tools[{index}].function.parameters");
            let sentence = format!("Invalid type for '{param}': expected an object.");
            return Err(invalid("invalid_type", &param, sentence));
        }
    }
    Ok(())
}

/// An MCP server has a label and an address.
fn server(param: &str, tool: &Tool) -> Result<(), ApiError> {
    let Tool::Other(fields) = tool else { return Ok(()) };
    let is_text =
        |name: &&str| fields.get(*name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let missing = ["server_label", "server_url"].into_iter().find(|name| !is_text(name));
    match missing.filter(|_| tool.kind() == mcp::KIND) {
        None => Ok(()),
        Some(name) => {
            let param = format!("{param}.{name}");
            let sentence = format!("Missing required parameter: '{param}'.");
            Err(invalid("missing_required_parameter", &param, sentence))
        }
    }
}

/// An agent that is to be asked has an id, and a name for the model.
fn connected_agent(index: usize, tool: &Tool) -> Result<(), ApiError> {
    let Tool::Other(given) = tool else { return Ok(()) };
    if tool.kind() != connected_agent::KIND {
        return Ok(());
    }
    let details = given.get(connected_agent::KIND).unwrap_or(&Value::Null);
    for field in ["id", "name"] {
        let param = format!("tools[{index}].connected_agent.{field}");
        let said = details[field].as_str().map(str::trim).filter(|said| !said.is_empty());
        let said = said.ok_or_else(|| {
            let sentence = format!("Missing required parameter: '{param}'.");
            invalid("missing_required_parameter", &param, sentence)
        })?;
        text(&param, Some(said), MAX_NAME)?;
    }
    Ok(())
}

/// Files given to tools: how many.
pub fn tool_resources(resources: Option<&ToolResources>) -> Result<(), ApiError> {
    let files = resources
        .and_then(|resources| resources.get("code_interpreter"))
        .and_then(|part| part.get("file_ids"))
        .and_then(Value::as_array);
    count("tool_resources.code_interpreter.file_ids", files.map_or(0, Vec::len), MAX_FILES)
}

/// `auto`, or an object of a known kind.
pub fn response_format(format: Option<&Value>) -> Result<(), ApiError> {
    let kind = match format {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(word)) => word.as_str(),
        Some(format) => format.get("type").and_then(Value::as_str).unwrap_or_default(),
    };
    match kind {
        "json_schema" => {
            let schema = format.and_then(|format| format.get("json_schema"));
            let has = |field: &str| schema.is_some_and(|schema| schema.get(field).is_some());
            match ["name", "schema"].into_iter().find(|field| !has(field)) {
                None => Ok(()),
                Some(field) => {
                    let param = format!("response_format.json_schema.{field}");
                    Err(invalid(
                        "missing_required_parameter",
                        &param,
                        format!("Missing required parameter: '{param}'."),
                    ))
                }
            }
        }
        "auto" | "none" | "text" | "json_object" => Ok(()),
        other => Err(invalid(
            "invalid_value",
            "response_format",
            format!(
                "Invalid value: '{other}'. Supported values are: 'auto', 'text', 'json_object' and 'json_schema'."
            ),
        )),
    }
}

/// Whether a choice of tool is a known word, or names a tool.
pub fn tool_choice(choice: Option<&Value>) -> Result<(), ApiError> {
    let problem = match choice {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(word)) if matches!(word.as_str(), "none" | "auto" | "required") => return Ok(()),
        Some(Value::String(word)) => format!(
            "Invalid value: '{word}'. Supported values are: 'none', 'auto', 'required' and objects that name a tool."
        ),
        Some(Value::Object(choice)) => match choice.get("type").and_then(Value::as_str) {
            Some("function") if choice.get("function").and_then(|f| f.get("name")).is_none() => {
                let param = "tool_choice.function.name";
                let sentence = format!("Missing required parameter: '{param}'.");
                return Err(invalid("missing_required_parameter", param, sentence));
            }
            Some(_) => return Ok(()),
            None => "Missing required parameter: 'tool_choice.type'.".to_owned(),
        },
        Some(_) => "Invalid type for 'tool_choice': expected a string or an object.".to_owned(),
    };
    Err(invalid("invalid_value", "tool_choice", problem))
}

/// What a client says, as it is stored.
pub fn content(param: &str, input: MessageInput) -> Result<Vec<ContentBlock>, ApiError> {
    let blocks = match input {
        MessageInput::Text(text) => vec![plain(text)],
        MessageInput::Blocks(blocks) => {
            if blocks.is_empty() {
                let sentence = format!(
                    "Invalid '{param}': empty array. Expected an array with minimum length 1, \
                     but got an empty array instead."
                );
                return Err(invalid("array_below_min_length", param, sentence));
            }
            let blocks = blocks.into_iter().enumerate();
            blocks.map(|(index, block)| stored(param, index, block)).collect::<Result<_, _>>()?
        }
    };
    let length = blocks.iter().map(|block| match block {
        ContentBlock::Text(block) => block.text.value.len(),
        _ => 0,
    });
    if length.sum::<usize>() > MAX_MESSAGE_TEXT {
        // Only now are characters counted: bytes are an upper bound.
        let all = blocks.iter().filter_map(|block| match block {
            ContentBlock::Text(block) => Some(block.text.value.as_str()),
            _ => None,
        });
        text(param, Some(&all.collect::<String>()), MAX_MESSAGE_TEXT)?;
    }
    Ok(blocks)
}

fn plain(value: String) -> ContentBlock {
    ContentBlock::Text(TextBlock { text: Text { value, annotations: Vec::new() } })
}

fn stored(param: &str, index: usize, block: InputBlock) -> Result<ContentBlock, ApiError> {
    match block {
        InputBlock::Text(block) => match block.text {
            Value::String(text) => Ok(plain(text)),
            Value::Object(mut text) => match text.remove("value") {
                Some(Value::String(text)) => Ok(plain(text)),
                _ => {
                    let param = format!("{param}[{index}].text.value");
                    let sentence = format!("Missing required parameter: '{param}'.");
                    Err(invalid("missing_required_parameter", &param, sentence))
                }
            },
            _ => {
                let param = format!("{param}[{index}].text");
                let sentence = format!("Invalid type for '{param}': expected a string.");
                Err(invalid("invalid_type", &param, sentence))
            }
        },
        InputBlock::ImageFile(block) => Ok(ContentBlock::ImageFile(block)),
        InputBlock::ImageUrl(block) => match block.image_url.get("url") {
            Some(Value::String(_)) => Ok(ContentBlock::ImageUrl(block)),
            _ => {
                let param = format!("{param}[{index}].image_url.url");
                let sentence = format!("Missing required parameter: '{param}'.");
                Err(invalid("missing_required_parameter", &param, sentence))
            }
        },
        InputBlock::Other(block) => {
            let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
            let param = format!("{param}[{index}].type");
            let sentence = format!(
                "Invalid value: '{kind}'. Supported values are: 'text', 'image_file' and 'image_url'."
            );
            Err(invalid("invalid_value", &param, sentence))
        }
    }
}

/// The files that a message refers to.
pub fn files<'a>(
    content: &'a [ContentBlock],
    attachments: &'a [Attachment],
) -> impl Iterator<Item = &'a str> {
    let images = content.iter().filter_map(|block| match block {
        ContentBlock::ImageFile(image) => Some(image.image_file.file_id.as_str()),
        _ => None,
    });
    images.chain(attachments.iter().filter_map(|attachment| attachment.file_id.as_deref()))
}

/// Fields of newer clients, without those that the object itself has.
pub fn extra(mut extra: Extra, own: &[&str]) -> Extra {
    extra.retain(|name, _| !own.contains(&name.as_str()));
    extra
}
