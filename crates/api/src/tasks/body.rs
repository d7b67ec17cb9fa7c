//! What requests say about a task, checked. Every refusal has the one code that the containers' client knows.

use serde_json::{Map, Value};

use super::{
    record::Status,
    refusal::invalid,
    transition::{Attachments, Change},
};
use crate::ApiError;

const LONGEST_ID: usize = 128;
const LONGEST_NAME: usize = 64;
const LONGEST_TAG: usize = 256;
const MOST_TAGS: usize = 16;
const LONGEST_REASON: usize = 256;
const LARGEST_PAYLOAD: usize = 1024 * 1024;
const LARGEST_ERROR: usize = 64 * 1024;
const LARGEST_SOURCE: usize = 4 * 1024;
const LARGEST_ATTACHMENT: usize = 10 * 1024 * 1024;
const MOST_ATTACHMENTS: usize = 20;
/// What is said once, when a task is created.
const FIXED: &[&str] = &["id", "agent_name", "session_id", "title", "description", "source"];

/// The body of a request.
pub struct Body(pub Map<String, Value>);

impl Body {
    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim())),
            Some(_) => Err(invalid(format!("{name} has to be a string."), name)),
        }
    }

    fn object(&self, name: &'static str) -> Result<Option<&Map<String, Value>>, ApiError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(invalid(format!("{name} has to be an object."), name)),
        }
    }

    /// A text that may be left out.
    pub fn optional(&self, name: &'static str, longest: usize) -> Result<Option<String>, ApiError> {
        let text = self.text(name)?;
        if text.is_some_and(|text| text.chars().count() > longest) {
            return Err(invalid(format!("{name} has more than {longest} characters."), name));
        }
        Ok(text.map(str::to_owned))
    }

    /// A text that has to be there.
    pub fn required(&self, name: &'static str, longest: usize) -> Result<String, ApiError> {
        let text = self.optional(name, longest)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid(format!("{name} has to be given."), name))
    }

    /// The id of a new task.
    pub fn id(&self) -> Result<Option<String>, ApiError> {
        let id = self.text("id")?;
        if id.is_some_and(|id| !is_word(id, b"_-", LONGEST_ID)) {
            let message = format!("id has to be 1 to {LONGEST_ID} letters, digits, '_' or '-'.");
            return Err(invalid(message, "id"));
        }
        Ok(id.map(str::to_owned))
    }

    /// Where the task is to stand.
    pub fn status(&self) -> Result<Option<Status>, ApiError> {
        let Some(name) = self.text("status")? else { return Ok(None) };
        let known = "pending, in_progress, suspended and completed";
        let hint = "A task that failed is completed, with an error.";
        let unknown = || invalid(format!("Unknown status '{name}': known are {known}. {hint}"), "status");
        Status::named(name).map(Some).ok_or_else(unknown)
    }

    /// The labels; null takes one away.
    pub fn tags(&self) -> Result<Option<Map<String, Value>>, ApiError> {
        let Some(tags) = self.object("tags")? else { return Ok(None) };
        for (name, value) in tags {
            check_name("tags", name)?;
            let is_text = match value {
                Value::Null => true,
                Value::String(value) => value.chars().count() <= LONGEST_TAG,
                _ => false,
            };
            if !is_text {
                let message =
                    format!("The tag '{name}' has to be a string of at most {LONGEST_TAG} characters.");
                return Err(invalid(message, "tags"));
            }
        }
        Ok(Some(tags.clone()))
    }

    /// The payload. How large it may be is checked where it is put together.
    pub fn payload(&self) -> Option<Value> {
        self.field("payload").cloned()
    }

    /// How the task failed, with a code in any case.
    pub fn error(&self) -> Result<Option<Value>, ApiError> {
        let Some(error) = self.object("error")? else { return Ok(None) };
        check_size("error", error, LARGEST_ERROR)?;
        for name in ["message", "type"] {
            if error.get(name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                return Err(invalid(
                    format!("error.{name} has to be a string that says something."),
                    "error",
                ));
            }
        }
        let mut error = error.clone();
        let has_code = error.get("code").and_then(Value::as_str).is_some_and(|code| !code.is_empty());
        if !has_code {
            error.insert("code".to_owned(), Value::from("error"));
        }
        Ok(Some(Value::Object(error)))
    }

    /// Where the task comes from.
    pub fn source(&self) -> Result<Option<Value>, ApiError> {
        let Some(source) = self.object("source")? else { return Ok(None) };
        check_size("source", source, LARGEST_SOURCE)?;
        if source.get("type").and_then(Value::as_str).is_none_or(|kind| kind.trim().is_empty()) {
            return Err(invalid("source.type has to be a string that says something.", "source"));
        }
        Ok(Some(Value::Object(source.clone())))
    }

    /// What becomes of the attachments. Null, where it stands there, takes all of them away.
    pub fn attachments(&self) -> Result<Option<Attachments>, ApiError> {
        if self.0.get("attachments").is_some_and(Value::is_null) {
            return Ok(Some(Attachments::Clear));
        }
        let Some(attachments) = self.object("attachments")? else { return Ok(None) };
        for (name, value) in attachments {
            check_name("attachments", name)?;
            check_size("attachments", value, LARGEST_ATTACHMENT)?;
        }
        Ok(Some(Attachments::Merge(attachments.clone())))
    }

    /// What a request wants to be changed.
    pub fn change(&self) -> Result<Change, ApiError> {
        if let Some(fixed) = FIXED.iter().find(|name| self.field(name).is_some()) {
            return Err(invalid(format!("{fixed} can't be changed any more."), fixed));
        }
        Ok(Change {
            status: self.status()?,
            payload: self.payload(),
            tags: self.tags()?,
            error: self.error()?,
            suspension_reason: self.optional("suspension_reason", LONGEST_REASON)?,
            attachments: self.attachments()?,
            lease: None,
        })
    }
}

/// Checks what is only known when a task has been put together.
pub fn check_whole(task: &super::record::Task) -> Result<(), ApiError> {
    if let Some(payload) = &task.payload {
        check_size("payload", payload, LARGEST_PAYLOAD)?;
    }
    if task.tags.as_ref().is_some_and(|tags| tags.len() > MOST_TAGS) {
        return Err(invalid(format!("A task has at most {MOST_TAGS} tags."), "tags"));
    }
    if task.attachments.as_ref().is_some_and(|attachments| attachments.len() > MOST_ATTACHMENTS) {
        return Err(invalid(format!("A task has at most {MOST_ATTACHMENTS} attachments."), "attachments"));
    }
    Ok(())
}

fn check_size(param: &'static str, value: &impl serde::Serialize, largest: usize) -> Result<(), ApiError> {
    let size = crate::body::document(value).len();
    if size > largest {
        return Err(invalid(format!("{param} has {size} bytes of JSON; at most {largest} are kept."), param));
    }
    Ok(())
}

fn check_name(param: &'static str, name: &str) -> Result<(), ApiError> {
    if is_word(name, b"_.-", LONGEST_NAME) {
        return Ok(());
    }
    let message =
        format!("A name in {param} has to be 1 to {LONGEST_NAME} letters, digits, '_', '.' or '-'.");
    Err(invalid(message, param))
}

fn is_word(word: &str, marks: &[u8], longest: usize) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=longest).contains(&word.len()) && word.bytes().all(is_allowed)
}
