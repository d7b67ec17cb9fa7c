//! The content of messages: a list of parts, each of a known type.

use serde_json::{Map, Value, json};

use crate::{ApiError, attachments, classic::checks};

/// The longest text of a part.
const MAX_TEXT: usize = 10 * 1024 * 1024;

const INPUT: &[&str] = &["input_text", "input_image", "input_file", "input_audio", "computer_screenshot"];
const OUTPUT: &[&str] = &["output_text", "refusal", "text", "summary_text", "reasoning_text"];

/// 400: something that must be there is not.
pub fn missing(param: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{param}'."))
        .code("missing_required_parameter")
        .param(param)
}

/// 400: something is of another type.
pub fn wrong_type(param: &str, expected: &str) -> ApiError {
    ApiError::invalid(format!("Invalid type for '{param}': expected {expected}."))
        .code("invalid_type")
        .param(param)
}

/// Text alone, as the list of parts that it stands for.
pub fn text(param: &str, role: &str, text: &str) -> Result<Value, ApiError> {
    checks::text(param, Some(text), MAX_TEXT)?;
    Ok(match role {
        "assistant" => json!([{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]),
        _ => json!([{"type": "input_text", "text": text}]),
    })
}

/// The content of a message: text, or a list of parts.
pub fn parts(param: &str, role: &str, sent: &Value) -> Result<Value, ApiError> {
    let parts = match sent {
        Value::String(words) => return text(param, role, words),
        Value::Array(parts) => parts,
        _ => return Err(wrong_type(param, "a string or an array of content parts")),
    };
    let parts = parts.iter().enumerate();
    let parts = parts.map(|(index, sent)| part(&format!("{param}[{index}]"), sent).map(Value::Object));
    parts.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn part(param: &str, sent: &Value) -> Result<Map<String, Value>, ApiError> {
    let Value::Object(sent) = sent else { return Err(wrong_type(param, "an object")) };
    let mut part = sent.clone();
    let kind = match sent.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err(wrong_type(&format!("{param}.type"), "a string")),
        None => return Err(missing(&format!("{param}.type"))),
    };
    match kind {
        "input_text" | "text" | "summary_text" | "reasoning_text" => words(param, sent, "text")?,
        "output_text" => {
            words(param, sent, "text")?;
            part.entry("annotations").or_insert_with(|| json!([]));
            part.entry("logprobs").or_insert_with(|| json!([]));
        }
        "refusal" => words(param, sent, "refusal")?,
        "input_image" => {
            image(param, sent)?;
            part.entry("detail").or_insert_with(|| json!("auto"));
        }
        "input_file" => file(param, sent)?,
        kind if INPUT.contains(&kind) => {}
        kind => return Err(unknown(param, kind)),
    }
    Ok(part)
}

fn words(param: &str, part: &Map<String, Value>, field: &str) -> Result<(), ApiError> {
    let param = format!("{param}.{field}");
    match part.get(field) {
        Some(Value::String(words)) => checks::text(&param, Some(words), MAX_TEXT),
        None => Err(missing(&param)),
        Some(_) => Err(wrong_type(&param, "a string")),
    }
}

/// An image has an address, with its bytes in it or not, or is a file.
fn image(param: &str, part: &Map<String, Value>) -> Result<(), ApiError> {
    let url = format!("{param}.image_url");
    match (part.get("image_url"), part.get("file_id")) {
        (Some(Value::String(address)), _) if is_address(address, "data:image/") => Ok(()),
        (Some(Value::String(_)), _) => Err(ApiError::invalid(format!(
            "Invalid '{url}': expected an address (https://…) or an image as data (data:image/…;base64,…)."
        ))
        .code("invalid_value")
        .param(url)),
        (None | Some(Value::Null), Some(Value::String(_))) => Ok(()),
        (None | Some(Value::Null), None | Some(Value::Null)) => Err(missing(&url)),
        (None | Some(Value::Null), Some(_)) => Err(wrong_type(&format!("{param}.file_id"), "a string")),
        (Some(_), _) => Err(wrong_type(&url, "a string")),
    }
}

/// A file is stored here, or comes along. Nobody fetches it from an address: this service asks no strangers,
/// and the servers of models know no such files.
fn file(param: &str, part: &Map<String, Value>) -> Result<(), ApiError> {
    for field in ["file_id", "file_data", "file_url"] {
        match part.get(field) {
            Some(Value::String(sent)) => {
                let param = format!("{param}.{field}");
                return match field {
                    "file_data" => file_data(&param, sent),
                    "file_url" => Err(file_url(&param)),
                    _ => Ok(()),
                };
            }
            None | Some(Value::Null) => {}
            Some(_) => return Err(wrong_type(&format!("{param}.{field}"), "a string")),
        }
    }
    Err(missing(&format!("{param}.file_id")))
}

fn file_data(param: &str, sent: &str) -> Result<(), ApiError> {
    match attachments::size_of(sent) {
        Some(size) if size > attachments::MAX_BYTES => Err(attachments::too_large(param)),
        Some(_) => Ok(()),
        None => {
            let message =
                format!("Invalid '{param}': expected a file as data (data:…;base64,…) or as base64.");
            Err(ApiError::invalid(message).code("invalid_value").param(param))
        }
    }
}

fn file_url(param: &str) -> ApiError {
    let message = format!(
        "Invalid '{param}': files are not fetched from addresses. Send the file itself in 'file_data', \
         or upload it (POST files) and name it in 'file_id'."
    );
    ApiError::invalid(message).code("invalid_value").param(param)
}

fn is_address(text: &str, data: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://") || text.starts_with(data)
}

fn unknown(param: &str, kind: &str) -> ApiError {
    let known = INPUT.iter().chain(OUTPUT).map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    ApiError::invalid(format!("Invalid value: '{kind}'. Supported values are: {known}."))
        .code("invalid_value")
        .param(format!("{param}.type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_refused(sent: Value, param: &str, code: &str) {
        let refused = parts("content", "user", &sent).expect_err("is refused");
        let detail = refused.detail();
        assert_eq!((detail.param.as_deref(), detail.code.as_deref()), (Some(param), Some(code)));
    }

    #[test]
    fn parts_are_kept_with_their_defaults() {
        let sent = json!([
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
            {"type": "input_image", "file_id": "assistant-1", "detail": "low"},
            {"type": "input_file", "file_data": "data:text/plain;base64,AA==", "filename": "a.txt"},
            {"type": "output_text", "text": "Seen"},
            {"type": "refusal", "refusal": "No."},
        ]);
        assert_eq!(
            parts("content", "user", &sent).expect("is accepted"),
            json!([
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
                {"type": "input_image", "file_id": "assistant-1", "detail": "low"},
                {"type": "input_file", "file_data": "data:text/plain;base64,AA==", "filename": "a.txt"},
                {"type": "output_text", "text": "Seen", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No."},
            ])
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        assert_refused(json!(5), "content", "invalid_type");
        assert_refused(json!([{"text": "x"}]), "content[0].type", "missing_required_parameter");
        assert_refused(json!([{"type": "input_text"}]), "content[0].text", "missing_required_parameter");
        let chat_style = json!([{"type": "input_image", "image_url": {"url": "https://x.test"}}]);
        assert_refused(chat_style, "content[0].image_url", "invalid_type");
        assert_refused(
            json!([{"type": "input_image"}]),
            "content[0].image_url",
            "missing_required_parameter",
        );
        let path = json!([{"type": "input_image", "image_url": "/tmp/cat.png"}]);
        assert_refused(path, "content[0].image_url", "invalid_value");
        assert_refused(json!([{"type": "input_file"}]), "content[0].file_id", "missing_required_parameter");
        let page = json!([{"type": "input_file", "file_url": "https://files.test/a.pdf"}]);
        assert_refused(page, "content[0].file_url", "invalid_value");
        let words = json!([{"type": "input_file", "file_data": "Hello, world!"}]);
        assert_refused(words, "content[0].file_data", "invalid_value");
        assert_refused(json!([{"type": "smell"}]), "content[0].type", "invalid_value");
    }
}
