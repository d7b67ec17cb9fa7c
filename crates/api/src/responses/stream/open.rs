//! The item that is being told.

use serde_json::{Value, json};

use super::voice::Voice;

/// An item that was announced and is not done.
#[derive(Debug)]
pub enum Open {
    /// A message, or thoughts.
    Spoken(Spoken),
    /// A call.
    Call(Call),
}

/// A part of what is spoken.
#[derive(Debug)]
struct Part {
    voice: Voice,
    text: String,
    annotations: Vec<Value>,
}

impl Part {
    fn shown(&self) -> Value {
        let mut part = self.voice.part(&self.text);
        if !self.annotations.is_empty() {
            part["annotations"] = Value::Array(self.annotations.clone());
        }
        part
    }
}

/// A message or thoughts, part by part.
#[derive(Debug)]
pub struct Spoken {
    pub id: String,
    pub is_message: bool,
    parts: Vec<Part>,
    /// Whether the last part is not done.
    is_in_part: bool,
}

/// A call of a function, or of a custom tool. The input of a custom tool is text, which the model wraps into
/// JSON: it can be told only when it is whole.
#[derive(Debug)]
pub struct Call {
    pub id: String,
    pub call_id: String,
    pub name: String,
    pub arguments: String,
    pub is_custom: bool,
}

impl Spoken {
    /// Without a word.
    pub fn new(id: String, is_message: bool) -> Self {
        Self { id, is_message, parts: Vec::new(), is_in_part: false }
    }

    /// The part that is open: its voice, where it is in its list, and what it says.
    pub fn part(&self) -> Option<(Voice, usize, &str)> {
        let (last, before) = self.parts.split_last().filter(|_| self.is_in_part)?;
        let index = before.iter().filter(|other| other.voice.list() == last.voice.list()).count();
        Some((last.voice, index, &last.text))
    }

    /// The part that is open, as far as it goes.
    pub fn part_so_far(&self) -> Value {
        self.parts.last().filter(|_| self.is_in_part).map_or(Value::Null, Part::shown)
    }

    /// Begins a part.
    pub fn begin_part(&mut self, voice: Voice) {
        self.parts.push(Part { voice, text: String::new(), annotations: Vec::new() });
        self.is_in_part = true;
    }

    /// Adds to the part that is open.
    pub fn say(&mut self, more: &str) {
        if let Some(part) = self.parts.last_mut() {
            part.text.push_str(more);
        }
    }

    /// Annotates the part that is open, and says where the annotation is in its list.
    pub fn annotate(&mut self, annotation: Value) -> usize {
        let Some(part) = self.parts.last_mut() else { return 0 };
        part.annotations.push(annotation);
        part.annotations.len() - 1
    }

    /// The part is done.
    pub fn end_part(&mut self) {
        self.is_in_part = false;
    }

    /// The item, as far as it goes.
    pub fn item(&self, status: &str) -> Value {
        let list = |name: &str| -> Vec<Value> {
            self.parts.iter().filter(|part| part.voice.list() == name).map(Part::shown).collect()
        };
        let (id, content) = (&self.id, list("content"));
        match self.is_message {
            true => json!({
                "type": "message", "id": id, "status": status, "role": "assistant", "content": content,
            }),
            false => json!({
                "type": "reasoning", "id": id, "status": status, "summary": list("summary"), "content": content,
            }),
        }
    }
}

impl Call {
    /// The type of its item and the field of what is said in it.
    fn words(&self) -> (&'static str, &'static str) {
        if self.is_custom { ("custom_tool_call", "input") } else { ("function_call", "arguments") }
    }

    /// What the prefix of its id is.
    pub fn prefix(is_custom: bool) -> &'static str {
        if is_custom { "ctc_" } else { "fc_" }
    }

    /// What is said in it.
    pub fn said(&self) -> String {
        if self.is_custom { custom_input(&self.arguments) } else { self.arguments.clone() }
    }

    /// The item as it is announced.
    pub fn announced(&self) -> Value {
        let (kind, field) = self.words();
        json!({
            "type": kind, "id": self.id, "call_id": self.call_id, "name": self.name, field: "",
            "status": "in_progress",
        })
    }

    /// The item, as far as it goes.
    pub fn item(&self, status: &str) -> Value {
        let (kind, field) = self.words();
        json!({
            "type": kind, "id": self.id, "call_id": self.call_id, "name": self.name, field: self.said(),
            "status": status,
        })
    }

    /// Whether its arguments are whole.
    pub fn is_whole(&self) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(&self.arguments).is_ok()
    }
}

/// The text that a model wrapped into the arguments of a custom tool; what is not wrapped is the text.
fn custom_input(arguments: &str) -> String {
    let wrapped: Option<Value> = serde_json::from_str(arguments).ok();
    let input = wrapped.as_ref().and_then(|wrapped| wrapped["input"].as_str());
    input.unwrap_or(arguments).to_owned()
}
