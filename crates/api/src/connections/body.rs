//! What a client sends to put a connection. Errors name fields and never repeat values: they may be secrets.

use cupola_identity::Secret;
use serde_json::{Map, Value};

use super::{Connection, Secrets};
use crate::ApiError;

/// The longest name.
const MAX_NAME: usize = 128;
/// Fields that the service sets or that have a place of their own.
const OWN: &[&str] =
    &["name", "id", "type", "target", "isDefault", "credentials", "metadata", "credentialType"];

/// A body that was read.
pub struct Sent {
    /// The connection; whether it is the default is still open.
    pub connection: Connection,
    /// Its secrets.
    pub secrets: Secrets,
    /// Whether it is to be the default of its type, if the client says so.
    pub is_default: Option<bool>,
}

/// Reads a body.
pub fn read(name: String, mut body: Map<String, Value>) -> Result<Sent, ApiError> {
    check_name(&name)?;
    let kind = text(&mut body, "type")?.ok_or_else(|| missing("type"))?;
    let target = text(&mut body, "target")?.ok_or_else(|| missing("target"))?;
    let is_default = match body.remove("isDefault") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(is_default)) => Some(is_default),
        Some(_) => return Err(wrong_type("isDefault", "true or false")),
    };
    let metadata = match body.remove("metadata") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) if metadata.values().all(Value::is_string) => metadata,
        Some(_) => return Err(wrong_type("metadata", "an object of texts")),
    };
    let (credential_type, secrets) = credentials(body.remove("credentials"))?;
    body.retain(|name, _| !OWN.contains(&name.as_str()));
    let connection =
        Connection { name, kind, target, is_default: false, credential_type, metadata, extra: body };
    Ok(Sent { connection, secrets, is_default })
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_good = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if is_good {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Invalid name of a connection: use 1 to {MAX_NAME} letters, digits, '-', '_' and '.', the first a \
         letter or digit."
    ))
    .code("invalid_value")
    .param("name"))
}

fn credentials(sent: Option<Value>) -> Result<(String, Secrets), ApiError> {
    let mut fields = match sent {
        None | Some(Value::Null) => return Ok(("None".to_owned(), Secrets::new())),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(wrong_type("credentials", "an object")),
    };
    let kind = match fields.remove("type") {
        Some(Value::String(kind)) if !kind.is_empty() => kind,
        Some(_) => return Err(wrong_type("credentials.type", "a text")),
        None => return Err(missing("credentials.type")),
    };
    let mut secrets = Secrets::new();
    for (name, value) in fields {
        match value {
            Value::String(text) => secrets.insert(name, Secret::new(text)),
            Value::Null => None,
            _ => return Err(wrong_type(&format!("credentials.{name}"), "a text")),
        };
    }
    let needed = match kind.as_str() {
        "ApiKey" => Some("key"),
        "SAS" => Some("SAS"),
        _ => None,
    };
    if let Some(needed) = needed
        && secrets.get(needed).is_none_or(|secret| secret.expose().is_empty())
    {
        return Err(missing(&format!("credentials.{needed}")));
    }
    Ok((kind, secrets))
}

fn text(body: &mut Map<String, Value>, field: &str) -> Result<Option<String>, ApiError> {
    match body.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(field, "a text")),
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{field}'."))
        .code("missing_required_parameter")
        .param(field)
}

fn wrong_type(field: &str, expected: &str) -> ApiError {
    ApiError::invalid(format!("Invalid type for '{field}': expected {expected}."))
        .code("invalid_type")
        .param(field)
}
