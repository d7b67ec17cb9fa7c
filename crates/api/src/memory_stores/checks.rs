//! What clients may ask for, and the words in which they are told that they may not.

use serde_json::Value;

use super::record::{Definition, MemoryKind};
use crate::{ApiError, classic::checks};

pub const MAX_CONTENT: usize = 8_000;
const MAX_SCOPE: usize = 512;
const MAX_NAME: usize = 256;
const MAX_DESCRIPTION: usize = 512;
const MAX_DETAILS: usize = 8_000;
/// What was said may have so many items.
pub const MAX_ITEMS: usize = 1_000;

fn invalid(param: &str, sentence: String) -> ApiError {
    ApiError::invalid(sentence).code("invalid_value").param(param)
}

/// The name of a store: it stands in paths, before verbs.
pub fn name(name: &str) -> Result<(), ApiError> {
    checks::text("name", Some(name), MAX_NAME)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    let sentence = format!(
        "Invalid 'name': '{name}'. A memory store is named with letters, digits, '_', '-' and '.', and its name \
         begins with a letter or a digit."
    );
    Err(invalid("name", sentence))
}

/// What a store is for.
pub fn description(description: Option<&str>) -> Result<(), ApiError> {
    checks::text("description", description, MAX_DESCRIPTION)
}

/// How memories are made and found.
pub fn definition(definition: &Definition) -> Result<(), ApiError> {
    if definition.kind != "default" {
        let sentence = format!("Invalid value: '{}'. Supported values are: 'default'.", definition.kind);
        return Err(invalid("definition.kind", sentence));
    }
    for (field, model) in
        [("chat_model", &definition.chat_model), ("embedding_model", &definition.embedding_model)]
    {
        let param = format!("definition.{field}");
        if model.trim().is_empty() {
            return Err(ApiError::invalid(format!("Missing required parameter: '{param}'."))
                .code("missing_required_parameter")
                .param(param));
        }
        checks::text(&param, Some(model), MAX_NAME)?;
    }
    let details = definition.options.user_profile_details.as_deref();
    checks::text("definition.options.user_profile_details", details, MAX_DETAILS)
}

/// Whose memories are meant.
pub fn scope(scope: &str) -> Result<(), ApiError> {
    if scope.trim().is_empty() {
        return Err(ApiError::invalid("Missing required parameter: 'scope'.")
            .code("missing_required_parameter")
            .param("scope"));
    }
    checks::text("scope", Some(scope), MAX_SCOPE)
}

/// What is remembered.
pub fn content(content: &str) -> Result<(), ApiError> {
    if content.trim().is_empty() {
        return Err(ApiError::invalid("Missing required parameter: 'content'.")
            .code("missing_required_parameter")
            .param("content"));
    }
    checks::text("content", Some(content), MAX_CONTENT)
}

/// A kind of memory by its word.
pub fn kind(word: &str) -> Result<MemoryKind, ApiError> {
    let found = MemoryKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    found.ok_or_else(|| {
        let words = MemoryKind::ALL.map(|kind| format!("'{}'", kind.as_str())).join(", ");
        invalid("kind", format!("Invalid value: '{word}'. Supported values are: {words}."))
    })
}

/// What was said: a text, or messages.
pub fn items(items: Option<Value>) -> Result<Vec<Value>, ApiError> {
    match items {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => {
            Ok(vec![serde_json::json!({"type": "message", "role": "user", "content": text})])
        }
        Some(Value::Array(items)) => {
            checks::count("items", items.len(), MAX_ITEMS)?;
            match items.iter().position(|item| !item.is_object()) {
                None => Ok(items),
                Some(index) => {
                    let param = format!("items[{index}]");
                    let sentence = format!("Invalid type for '{param}': expected an object.");
                    Err(ApiError::invalid(sentence).code("invalid_type").param(param))
                }
            }
        }
        Some(_) => Err(ApiError::invalid("Invalid type for 'items': expected an array of messages.")
            .code("invalid_type")
            .param("items")),
    }
}
