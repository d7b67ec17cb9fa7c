//! The built-in offline model: deterministic, for first contact and for tests without a network.
//! It follows a script where it has one, and a few simple rules otherwise.

mod choice;
mod code;
mod files;
mod hints;
mod instance;
mod memories;
mod reply;
mod rules;
mod script;
mod words;

use async_trait::async_trait;

pub use script::{Script, ScriptError};

use crate::{ChatMessage, Fault, ModelRequest, ModelStream, Part, Provider};

/// The provider.
#[derive(Debug)]
pub struct Builtin {
    name: String,
    script: Option<Script>,
}

impl Builtin {
    /// The built-in model under this name, with a script or with its simple rules alone.
    pub fn new(name: &str, script: Option<Script>) -> Self {
        Self { name: name.to_owned(), script }
    }
}

#[async_trait]
impl Provider for Builtin {
    fn name(&self) -> &str {
        &self.name
    }

    async fn call(&self, request: &ModelRequest) -> Result<ModelStream, Fault> {
        let scripted = self.script.as_ref().and_then(|script| script.reply(request));
        scripted.unwrap_or_else(|| rules::reply(request)).stream(request).await
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        Ok(vec!["builtin".to_owned()])
    }

    fn count_tokens(&self, _model: &str, text: &str) -> usize {
        words::count(text)
    }
}

/// What the user said last.
fn latest_user_text(request: &ModelRequest) -> String {
    text_of(latest_user_parts(request))
}

/// The names of the files that the user sent last.
fn latest_file_names(request: &ModelRequest) -> Vec<&str> {
    let names = latest_user_parts(request).iter().filter_map(|part| match part {
        Part::File { name, .. } => Some(name.as_str()),
        Part::Text { .. } | Part::Image { .. } => None,
    });
    names.collect()
}

fn latest_user_parts(request: &ModelRequest) -> &[Part] {
    let latest = request.messages.iter().rev().find_map(|message| match message {
        ChatMessage::User { parts } => Some(parts.as_slice()),
        _ => None,
    });
    latest.unwrap_or_default()
}

fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        Part::Image { .. } | Part::File { .. } => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The tool outputs at the end of the conversation, each with the function's name.
fn latest_outputs(request: &ModelRequest) -> Vec<(&str, &str)> {
    let after = request.messages.iter().rposition(|message| !matches!(message, ChatMessage::Tool { .. }));
    let outputs = &request.messages[after.map_or(0, |at| at + 1)..];
    let named = outputs.iter().filter_map(|message| match message {
        ChatMessage::Tool { call_id, output } => {
            Some((called_name(request, call_id).unwrap_or("The function"), output.as_str()))
        }
        _ => None,
    });
    named.collect()
}

fn called_name<'a>(request: &'a ModelRequest, call_id: &str) -> Option<&'a str> {
    request.messages.iter().rev().find_map(|message| match message {
        ChatMessage::Assistant { calls, .. } => {
            calls.iter().find(|call| call.id == call_id).map(|call| call.name.as_str())
        }
        _ => None,
    })
}
