//! The upstream's own words: finds the message in whatever it answered, and puts it into a fault.

use std::fmt::Write as _;

use serde_json::Value;
use url::Url;

use crate::{Fault, FaultKind, Secret};

/// The most characters of an upstream's answer that a fault quotes.
const QUOTED: usize = 500;

/// Which server a fault is about.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) provider: String,
    pub(crate) address: String,
    pub(crate) key: Option<Secret>,
}

impl Origin {
    pub(crate) fn new(provider: &str, address: &Url, key: Option<Secret>) -> Self {
        Self { provider: provider.to_owned(), address: without_credentials(address), key }
    }

    /// A fault whose message begins with the server and quotes `words` if there are any.
    pub(crate) fn fault(&self, kind: FaultKind, what: &str, words: &str) -> Fault {
        let mut message = format!("The model server \"{}\" ({}) {what}", self.provider, self.address);
        let words = clip(&collapse(words));
        if words.is_empty() {
            message.push('.');
        } else {
            // Writing to a String can't fail.
            let _ = write!(message, ": {words}");
        }
        let message = self.key.as_ref().map_or(message.clone(), |key| key.scrub(&message));
        Fault::new(kind, message)
    }
}

/// The address as it may be shown: no user, password or query.
pub(crate) fn without_credentials(address: &Url) -> String {
    let mut shown = address.clone();
    // Both fail only for addresses that can't have credentials.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.as_str().trim_end_matches('/').to_owned()
}

/// What an error answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    /// `code` and `type`, whichever there are.
    pub(crate) code: String,
}

impl Complaint {
    /// Reads an error body: the envelopes that servers use, else the text, without HTML tags.
    pub(crate) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::from_json(&value),
            Err(_) => Self { message: readable(&String::from_utf8_lossy(body)), code: String::new() },
        }
    }

    fn from_json(value: &Value) -> Self {
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let message = ["message", "detail", "error_description", "msg"]
            .iter()
            .find_map(|field| error.get(field).or_else(|| value.get(field)))
            .unwrap_or(error);
        let code = ["code", "type"].iter().filter_map(|field| error.get(field)).map(as_text);
        Self { message: as_text(message), code: code.collect::<Vec<_>>().join(" ") }
    }

    /// The kind of fault behind an error that came without a telling HTTP status.
    pub(crate) fn kind(&self) -> FaultKind {
        let code = self.code.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
        if self.is_about_unknown_model() {
            FaultKind::UnknownModel
        } else if has(&["rate_limit", "429", "insufficient_quota"]) {
            FaultKind::RateLimited
        } else if has(&["authentication", "invalid_api_key", "401", "403", "permission"]) {
            FaultKind::Unauthorized
        } else if has(&[
            "invalid_request",
            "invalid_prompt",
            "context_length",
            "content_filter",
            "400",
            "bad_request",
        ]) {
            FaultKind::Rejected
        } else {
            FaultKind::Broken
        }
    }

    /// Whether it says that the model or the deployment does not exist.
    pub(crate) fn is_about_unknown_model(&self) -> bool {
        let code = self.code.to_ascii_lowercase();
        if code.contains("model_not_found") || code.contains("deploymentnotfound") {
            return true;
        }
        let message = self.message.to_ascii_lowercase();
        let subject = ["model", "deployment"].iter().any(|word| message.contains(word));
        let missing = ["not found", "does not exist", "not exist", "unknown model", "no such model"];
        subject && missing.iter().any(|words| message.contains(words))
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Text without HTML tags, scripts and styles.
fn readable(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        shown.push_str(&rest[..open]);
        shown.push(' ');
        let tag = &rest[open..];
        let lower = tag.get(..8).unwrap_or(tag).to_ascii_lowercase();
        let end = ["script", "style"]
            .iter()
            .find(|name| lower[1..].starts_with(*name))
            .and_then(|name| tag.find(&format!("</{name}")))
            .unwrap_or(0);
        let Some(close) = tag[end..].find('>') else {
            return shown;
        };
        rest = &tag[end + close + 1..];
    }
    shown.push_str(rest);
    shown
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(body: &str) -> String {
        Complaint::read(body.as_bytes()).message
    }

    #[test]
    fn the_message_is_found_in_every_envelope() {
        for body in [
            r#"{"error":{"message":"no","type":"x","code":null}}"#,
            r#"{"error":"no"}"#,
            r#"{"object":"error","message":"no","code":400}"#,
            r#"{"detail":"no"}"#,
            r#"[{"error":{"message":"no","code":400}}]"#,
            "no",
        ] {
            assert_eq!(message(body), "no", "{body}");
        }
    }

    #[test]
    fn html_is_quoted_without_its_tags() {
        let html = "<html><head><style>p { x }</style></head><body><h1>502</h1> Bad gateway</body></html>";
        assert_eq!(collapse(&message(html)), "502 Bad gateway");
        assert_eq!(collapse(&message("<p>cut <b")), "cut");
        assert_eq!(collapse(&message("<ä€>x")), "x");
    }

    #[test]
    fn codes_tell_the_kind() {
        let kind = |body: &str| Complaint::read(body.as_bytes()).kind();
        assert_eq!(
            kind(r#"{"error":{"message":"slow","code":"rate_limit_exceeded"}}"#),
            FaultKind::RateLimited
        );
        assert_eq!(
            kind(r#"{"error":{"message":"long","code":"context_length_exceeded"}}"#),
            FaultKind::Rejected
        );
        assert_eq!(kind(r#"{"error":{"message":"m","code":"model_not_found"}}"#), FaultKind::UnknownModel);
        assert_eq!(kind(r#"{"error":{"message":"oops","code":500}}"#), FaultKind::Broken);
    }

    #[test]
    fn a_fault_is_clipped_scrubbed_and_shows_no_credentials() {
        let address = Url::parse("https://me:pass@models.example/v1?key=abc").unwrap();
        let origin = Origin::new("up", &address, Some(Secret::new("sk-1")));
        let fault = origin.fault(FaultKind::Broken, "failed", &format!("key sk-1 {}", "x".repeat(600)));
        assert!(
            fault
                .message
                .starts_with("The model server \"up\" (https://models.example/v1) failed: key *** xxx")
        );
        assert!(fault.message.chars().count() < 600);
    }
}
