//! What a service answered, as a model is told it.

use http::StatusCode;

use super::Credential;
use crate::outgoing::{Answer, Failure};

/// What a model is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status of the answer.
    pub status: StatusCode,
    /// The answer, or the beginning of it.
    pub text: String,
}

/// Reads an answer, as far as its request allows.
pub async fn told(answer: Answer, credential: &Credential) -> Result<Told, Failure> {
    let (status, content_type) = (answer.status(), answer.content_type());
    let body = answer.beginning().await?;
    let text = match std::str::from_utf8(&body.bytes) {
        _ if body.bytes.is_empty() => "[The answer is empty.]".to_owned(),
        Ok(text) => text.to_owned(),
        // A cut may go through a character.
        _ if is_text(&content_type) => String::from_utf8_lossy(&body.bytes).into_owned(),
        Err(_) => {
            let more = if body.is_cut { "more than " } else { "" };
            let kind = if content_type.is_empty() { "of an unknown type" } else { &content_type };
            format!("[The answer is no text: it is {kind} and has {more}{} bytes.]", body.bytes.len())
        }
    };
    let mut text = credential.scrub(text);
    if body.is_cut {
        text.push_str("\n[The answer is cut here: it is longer than what is read of one.]");
    }
    Ok(Told { status, text })
}

fn is_text(content_type: &str) -> bool {
    let words = ["json", "xml", "yaml", "javascript", "csv", "urlencoded"];
    content_type.starts_with("text/") || words.iter().any(|word| content_type.contains(word))
}
