//! Bodies: read with limits, and refused with the path of the field at fault.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{ApiError, Service, values::Parameters};

/// A body that does not come within this time is given up; of an uploaded file, the next piece of it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Forms hold a few tokens.
const MOST_BYTES_OF_A_FORM: usize = 64 * 1024;

/// A JSON body. An empty one reads as `{}`: some clients send none where all fields are optional.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Service> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let bytes = read(request.into_body(), service.limits().max_body_bytes).await?;
        parse(&bytes).map(Self)
    }
}

/// A form, as OAuth 2.0 has it.
#[derive(Debug)]
pub struct Form(pub Parameters);

impl FromRequest<Service> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Service) -> Result<Self, ApiError> {
        let bytes = read(request.into_body(), MOST_BYTES_OF_A_FORM).await?;
        Ok(Self(Parameters::parse(&String::from_utf8_lossy(&bytes))))
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || {
        ApiError::too_large(
            "body_too_large",
            format!(
                "The body is larger than the {limit} bytes that this service accepts (limits.max_body_bytes)."
            ),
        )
    };
    match tokio::time::timeout(PATIENCE, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large()),
        Ok(Err(error)) => {
            Err(ApiError::invalid(format!("The body could not be read: {error}.")).code("invalid_json"))
        }
        Err(_) => Err(ApiError::timeout("The body did not arrive within 60 seconds.")),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error)
        .is_some_and(|source| source.downcast_ref::<http_body_util::LengthLimitError>().is_some())
}

/// Reads JSON; an error names the field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let is_syntax = matches!(
            inner.classify(),
            serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof
                | serde_json::error::Category::Io
        );
        if is_syntax { not_json(&inner) } else { wrong_field(&path, &inner.to_string()) }
    })?;
    reader.end().map_err(|error| not_json(&error))?;
    Ok(read)
}

/// Reads a value that was already read once; an error names the field.
pub fn parse_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        wrong_field(&path, &error.into_inner().to_string())
    })
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::invalid(format!("The body of the request is not valid JSON: {error}.")).code("invalid_json")
}

/// Turns serde's words into the wire's.
fn wrong_field(path: &str, message: &str) -> ApiError {
    let message = message.split(" at line ").next().unwrap_or(message);
    // A union re-raises the error of its variant with the path inside it in front; unions nest.
    let mut parts = message.split(cupola_wire::INNER_PATH).collect::<Vec<_>>();
    let message = parts.pop().unwrap_or_default();
    let path = parts.into_iter().fold(join("", path), |path, inner| join(&path, inner));
    if let Some(field) = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        let param = join(&path, field);
        return ApiError::invalid(format!("Missing required parameter: '{param}'."))
            .code("missing_required_parameter")
            .param(param);
    }
    let place = if path.is_empty() { "the body".to_owned() } else { format!("'{path}'") };
    let (code, sentence) = if let Some(rest) = message.strip_prefix("invalid type: ") {
        let (got, expected) = rest.split_once(", expected ").unwrap_or((rest, "another type"));
        let (got, expected) = (json_words(got), json_words(expected));
        ("invalid_type", format!("Invalid type for {place}: expected {expected}, but got {got} instead."))
    } else if let Some(expected) = message.strip_prefix("invalid type, expected ") {
        ("invalid_type", format!("Invalid type for {place}: expected {expected}."))
    } else if let Some((got, known)) = unknown_word(message) {
        ("invalid_value", format!("Invalid value: '{got}'. Supported values are: {known}."))
    } else if path.is_empty() {
        ("invalid_value", format!("The body is invalid: {message}."))
    } else {
        ("invalid_value", format!("Invalid {place}: {message}."))
    };
    let error = ApiError::invalid(sentence).code(code);
    if path.is_empty() { error } else { error.param(path) }
}

/// serde speaks of Rust's types, clients of JSON's.
fn json_words(text: &str) -> &str {
    match text {
        "sequence" | "a sequence" => "an array",
        "map" | "a map" => "an object",
        text if text.starts_with("struct ") => "an object",
        "unit value" => "null",
        text => text,
    }
}

/// The word and the known words of "unknown variant `x`, expected one of `a`, `b`".
fn unknown_word(message: &str) -> Option<(&str, String)> {
    let (got, known) = message.strip_prefix("unknown variant `")?.split_once("`, expected ")?;
    let known = known.trim_start_matches("one of ").replace('`', "'").replace("' or '", "' and '");
    Some((got, known))
}

fn join(path: &str, inner: &str) -> String {
    let (path, inner) = (path.trim_matches('.'), inner.trim_matches('.'));
    match (path.is_empty(), inner.is_empty()) {
        (true, _) => inner.to_owned(),
        (_, true) => path.to_owned(),
        _ if inner.starts_with('[') => format!("{path}{inner}"),
        _ => format!("{path}.{inner}"),
    }
}

/// Bytes that are JSON already, as an answer.
pub fn json(bytes: impl Into<Body>) -> Response {
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A document as it is stored and sent. Wire types are plain data with text keys.
pub fn document<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

/// An object as an answer.
pub fn answer<T: Serialize>(value: &T) -> Response {
    json(document(value)).into_response()
}

#[cfg(test)]
mod tests {
    use cupola_wire::classic::{CreateAgent, CreateMessage};

    use super::*;

    fn refusal<T: DeserializeOwned + std::fmt::Debug>(
        body: &str,
    ) -> (String, Option<String>, Option<String>) {
        let detail = parse::<T>(body.as_bytes()).expect_err("refused").detail().clone();
        (detail.message, detail.param, detail.code)
    }

    #[test]
    fn a_missing_field_is_named() {
        let (message, param, code) = refusal::<CreateAgent>("{}");
        assert_eq!(message, "Missing required parameter: 'model'.");
        assert_eq!((param.as_deref(), code.as_deref()), (Some("model"), Some("missing_required_parameter")));
    }

    #[test]
    fn a_wrong_type_deep_inside_a_union_is_named_by_its_whole_path() {
        let (message, param, _) = refusal::<CreateAgent>(
            r#"{"model": "m", "tools": [{"type": "function", "function": {"name": "a"}},
                {"type": "function", "function": {"name": 5}}]}"#,
        );
        assert_eq!(param.as_deref(), Some("tools[1].function.name"));
        assert_eq!(
            message,
            "Invalid type for 'tools[1].function.name': expected a string, but got integer `5` instead."
        );
    }

    #[test]
    fn a_block_without_its_text_is_named() {
        let (message, param, _) =
            refusal::<CreateMessage>(r#"{"role": "user", "content": [{"type": "text"}]}"#);
        assert_eq!(message, "Missing required parameter: 'content[0].text'.");
        assert_eq!(param.as_deref(), Some("content[0].text"));
    }

    #[test]
    fn a_path_through_two_unions_is_joined() {
        let (_, param, _) = refusal::<CreateMessage>(
            r#"{"role": "user", "content": [{"type": "image_file", "image_file": {"file_id": 3}}]}"#,
        );
        assert_eq!(param.as_deref(), Some("content[0].image_file.file_id"));
    }

    #[test]
    fn a_body_of_the_wrong_shape_is_told_in_the_words_of_json() {
        let (message, param, _) = refusal::<CreateAgent>("[]");
        assert_eq!(message, "Invalid type for the body: expected an object, but got an array instead.");
        assert_eq!(param, None);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let (message, param, _) = refusal::<CreateMessage>(r#"{"role": "system", "content": "x"}"#);
        assert_eq!(message, "Invalid value: 'system'. Supported values are: 'user' and 'assistant'.");
        assert_eq!(param.as_deref(), Some("role"));
    }

    #[test]
    fn broken_json_says_where() {
        let (message, _, code) = refusal::<CreateAgent>(r#"{"model": "#);
        assert!(message.starts_with("The body of the request is not valid JSON: EOF"), "{message}");
        assert_eq!(code.as_deref(), Some("invalid_json"));
    }

    #[test]
    fn something_after_the_json_is_refused() {
        let (_, _, code) = refusal::<CreateAgent>(r#"{"model": "m"} x"#);
        assert_eq!(code.as_deref(), Some("invalid_json"));
    }
}
