//! The stream of a response: its output items and the events that announce them, in order.
//!
//! Pure: pieces of an answer go in, items and events come out. Sequence numbers have no gaps. After a crash
//! the events that were kept are read back, and an answer that begins as the interrupted one did goes on
//! where that one stopped, so that a client which comes back misses nothing and sees nothing twice.

use std::collections::VecDeque;

use bytes::Bytes;
use cupola_engine::{Frame, turn::Answer};
use serde_json::{Map, Value, json};

use crate::partition::Partition;

/// Output items and the events that announce them.
#[derive(Debug)]
pub struct Stream {
    partition: Partition,
    /// Fields that every output item carries: which response it belongs to, and which agent made it.
    marks: Map<String, Value>,
    sequence: i64,
    output: Vec<Value>,
    open: Option<Open>,
    /// Text of the open message that listeners have seen already, before a crash.
    seen: String,
    /// Whether this answer is told piece by piece.
    told: bool,
    /// Whether anybody listens.
    heard: bool,
    /// The names of the custom tools.
    custom: Vec<String>,
    /// Which call of the answer is open.
    call_index: usize,
    /// Calls that began before the one in front was whole.
    waiting: VecDeque<Waiting>,
}

/// A call that is not told yet.
#[derive(Debug)]
struct Waiting {
    index: usize,
    call_id: String,
    name: String,
    arguments: String,
}

/// An item that was announced and is not done.
#[derive(Debug)]
enum Open {
    Message {
        id: String,
        text: String,
    },
    Call {
        id: String,
        call_id: String,
        name: String,
        arguments: String,
    },
    /// A call of a custom tool. Its input is text, which the model wraps into JSON: it can be told only when
    /// it is whole.
    Custom {
        id: String,
        call_id: String,
        name: String,
        arguments: String,
    },
}

impl Stream {
    /// A stream at its beginning.
    pub fn new(partition: Partition, marks: Map<String, Value>) -> Self {
        Self {
            partition,
            marks,
            sequence: 0,
            output: Vec::new(),
            open: None,
            seen: String::new(),
            told: false,
            heard: true,
            custom: Vec::new(),
            call_index: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Tells calls of these tools as calls of custom tools.
    pub fn with_custom_tools(mut self, names: Vec<String>) -> Self {
        self.custom = names;
        self
    }

    /// A stream that goes on behind the events that were kept.
    pub fn resumed(partition: Partition, marks: Map<String, Value>, kept: &[Bytes]) -> Self {
        let mut stream = Self::new(partition, marks);
        for event in kept.iter().filter_map(read_event) {
            stream.sequence += 1;
            stream.recall(&event);
        }
        if let Some(Open::Message { text, .. }) = &stream.open {
            stream.seen.clone_from(text);
        }
        stream
    }

    fn recall(&mut self, event: &Value) {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        match event["type"].as_str().unwrap_or_default() {
            "response.output_item.added" => {
                let item = &event["item"];
                let field = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                self.open = match item["type"].as_str() {
                    Some("message") => Some(Open::Message { id: field("id"), text: String::new() }),
                    Some("function_call") => Some(Open::Call {
                        id: field("id"),
                        call_id: field("call_id"),
                        name: field("name"),
                        arguments: String::new(),
                    }),
                    Some("custom_tool_call") => Some(Open::Custom {
                        id: field("id"),
                        call_id: field("call_id"),
                        name: field("name"),
                        arguments: String::new(),
                    }),
                    _ => None,
                };
            }
            "response.output_text.delta" => {
                if let Some(Open::Message { text: said, .. }) = &mut self.open {
                    said.push_str(&text("delta"));
                }
            }
            "response.function_call_arguments.delta" => {
                if let Some(Open::Call { arguments, .. }) = &mut self.open {
                    arguments.push_str(&text("delta"));
                }
            }
            "response.output_item.done" => {
                self.output.push(event["item"].clone());
                self.open = None;
            }
            _ => {}
        }
    }

    /// Whether the answer is told piece by piece.
    pub fn is_told(&self) -> bool {
        self.told
    }

    /// What was put out so far.
    pub fn output(&self) -> &[Value] {
        &self.output
    }

    /// Whether anybody listens. Events for nobody are counted, but not written.
    pub fn set_heard(&mut self, heard: bool) {
        self.heard = heard;
    }

    /// An event that carries the whole response.
    pub fn about(&mut self, kind: &str, response: &Value) -> Frame {
        if !self.heard {
            self.sequence += 1;
            return Frame::new();
        }
        self.event(kind, json!({"response": response}))
    }

    /// More text.
    pub fn text(&mut self, text: &str) -> Vec<Frame> {
        self.told = true;
        let mut frames = Vec::new();
        let Some(new) = self.unseen(text, &mut frames) else { return frames };
        if new.is_empty() {
            return frames;
        }
        if !matches!(self.open, Some(Open::Message { .. })) {
            frames.extend(self.close("completed"));
            frames.extend(self.open_message());
        }
        frames.extend(self.more_text(&new));
        frames
    }

    /// What of `text` listeners have not seen. `None` while the answer only repeats what they have seen.
    fn unseen(&mut self, text: &str, frames: &mut Vec<Frame>) -> Option<String> {
        if self.seen.is_empty() {
            return Some(text.to_owned());
        }
        if let Some(rest) = self.seen.strip_prefix(text) {
            self.seen = rest.to_owned();
            return None;
        }
        if let Some(new) = text.strip_prefix(self.seen.as_str()) {
            self.seen.clear();
            return Some(new.to_owned());
        }
        // Another answer than before: what was begun ends unfinished, and this one is told from its start.
        let repeated = match &self.open {
            Some(Open::Message { text: said, .. }) => said[..said.len() - self.seen.len()].to_owned(),
            _ => String::new(),
        };
        self.seen.clear();
        frames.extend(self.close("incomplete"));
        Some(repeated + text)
    }

    fn open_message(&mut self) -> Vec<Frame> {
        let id = self.partition.id("msg_");
        let index = self.output.len();
        let item = self.marked(json!({
            "type": "message", "id": id, "status": "in_progress", "role": "assistant", "content": [],
        }));
        let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
        let frames = vec![
            self.event("response.output_item.added", json!({"output_index": index, "item": item})),
            self.event(
                "response.content_part.added",
                json!({"item_id": id, "output_index": index, "content_index": 0, "part": part}),
            ),
        ];
        self.open = Some(Open::Message { id, text: String::new() });
        frames
    }

    fn more_text(&mut self, new: &str) -> Option<Frame> {
        let index = self.output.len();
        let Some(Open::Message { id, text }) = &mut self.open else { return None };
        text.push_str(new);
        let body = json!({
            "item_id": id, "output_index": index, "content_index": 0, "delta": new, "logprobs": [],
        });
        Some(self.event("response.output_text.delta", body))
    }

    /// A call begins. Calls are told one after the other: one that begins before the arguments of the call in
    /// front are whole waits for them.
    pub fn call_began(&mut self, index: usize, call_id: &str, name: &str) -> Vec<Frame> {
        self.told = true;
        let call =
            Waiting { index, call_id: call_id.to_owned(), name: name.to_owned(), arguments: String::new() };
        if self.is_in_a_call() {
            self.waiting.push_back(call);
            return Vec::new();
        }
        self.open_call(call)
    }

    /// More of the arguments of a call.
    pub fn call_arguments(&mut self, index: usize, piece: &str) -> Vec<Frame> {
        if self.call_index != index {
            if let Some(call) = self.waiting.iter_mut().find(|call| call.index == index) {
                call.arguments.push_str(piece);
            }
            return Vec::new();
        }
        let mut frames = self.more_arguments(piece);
        while !self.is_in_a_call()
            && let Some(next) = self.waiting.pop_front()
        {
            frames.extend(self.open_call(next));
        }
        frames
    }

    /// Whether a call is being told whose arguments are not whole.
    fn is_in_a_call(&self) -> bool {
        match &self.open {
            Some(Open::Call { arguments, .. } | Open::Custom { arguments, .. }) => {
                serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_err()
            }
            Some(Open::Message { .. }) | None => false,
        }
    }

    fn open_call(&mut self, call: Waiting) -> Vec<Frame> {
        let mut frames = self.end_seen();
        frames.extend(self.close("completed"));
        let Waiting { index: call_index, call_id, name, arguments: said_already } = call;
        self.call_index = call_index;
        let is_custom = self.custom.contains(&name);
        let (kind, prefix, said) = match is_custom {
            true => ("custom_tool_call", "ctc_", "input"),
            false => ("function_call", "fc_", "arguments"),
        };
        let id = self.partition.id(prefix);
        let item = self.marked(json!({
            "type": kind, "id": id, "call_id": call_id, "name": name, said: "", "status": "in_progress",
        }));
        let index = self.output.len();
        frames.push(self.event("response.output_item.added", json!({"output_index": index, "item": item})));
        let arguments = String::new();
        self.open = Some(match is_custom {
            true => Open::Custom { id, call_id, name, arguments },
            false => Open::Call { id, call_id, name, arguments },
        });
        if !said_already.is_empty() {
            frames.extend(self.more_arguments(&said_already));
        }
        frames
    }

    fn more_arguments(&mut self, piece: &str) -> Vec<Frame> {
        let index = self.output.len();
        if let Some(Open::Custom { arguments, .. }) = &mut self.open {
            arguments.push_str(piece);
            return Vec::new();
        }
        let Some(Open::Call { id, arguments, .. }) = &mut self.open else { return Vec::new() };
        arguments.push_str(piece);
        let body = json!({"item_id": id, "output_index": index, "delta": piece});
        vec![self.event("response.function_call_arguments.delta", body)]
    }

    /// An answer that is shorter than what listeners have seen of it.
    fn end_seen(&mut self) -> Vec<Frame> {
        if self.seen.is_empty() {
            return Vec::new();
        }
        self.seen.clear();
        self.close("incomplete")
    }

    /// Ends the item that is open.
    pub fn close(&mut self, status: &str) -> Vec<Frame> {
        let index = self.output.len();
        let Some(open) = self.open.take() else { return Vec::new() };
        let (item, mut frames) = match open {
            Open::Message { id, text } => {
                let item = self.message(&id, &text, status);
                let part = item["content"][0].clone();
                let place = |mut body: Value| {
                    body["item_id"] = json!(id);
                    body["output_index"] = json!(index);
                    body["content_index"] = json!(0);
                    body
                };
                let frames = vec![
                    self.event("response.output_text.done", place(json!({"text": text, "logprobs": []}))),
                    self.event("response.content_part.done", place(json!({"part": part}))),
                ];
                (item, frames)
            }
            Open::Call { id, call_id, name, arguments } => {
                let body = json!({
                    "item_id": id, "output_index": index, "name": name, "arguments": arguments,
                });
                let item = self.call(&id, &call_id, &name, &arguments, status);
                (item, vec![self.event("response.function_call_arguments.done", body)])
            }
            Open::Custom { id, call_id, name, arguments } => {
                let input = custom_input(&arguments);
                let item = self.marked(json!({
                    "type": "custom_tool_call", "id": id, "call_id": call_id, "name": name, "input": input,
                    "status": status,
                }));
                let place = |said: &str| json!({"item_id": id, "output_index": index, said: input});
                let frames = vec![
                    self.event("response.custom_tool_call_input.delta", place("delta")),
                    self.event("response.custom_tool_call_input.done", place("input")),
                ];
                (item, frames)
            }
        };
        let done = json!({"output_index": index, "item": item});
        self.output.push(item);
        frames.push(self.event("response.output_item.done", done));
        frames
    }

    /// The whole answer. What was not told piece by piece, because nobody listened, becomes items now.
    pub fn answered(&mut self, answer: &Answer, status: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        if !self.told {
            if !answer.text.is_empty() {
                frames.extend(self.text(&answer.text));
            }
            for (index, call) in answer.calls.iter().enumerate() {
                frames.extend(self.call_began(index, &call.id, &call.name));
                frames.extend(self.call_arguments(index, &call.arguments));
            }
        }
        // What is not whole now does not become whole any more.
        while let Some(next) = self.waiting.pop_front() {
            frames.extend(self.open_call(next));
        }
        frames.extend(self.end_seen());
        if self.output.is_empty() && self.open.is_none() {
            frames.extend(self.open_message());
        }
        frames.extend(self.close(status));
        frames
    }

    fn message(&self, id: &str, text: &str, status: &str) -> Value {
        let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
        self.marked(json!({
            "type": "message", "id": id, "status": status, "role": "assistant", "content": [part],
        }))
    }

    fn call(&self, id: &str, call_id: &str, name: &str, arguments: &str, status: &str) -> Value {
        self.marked(json!({
            "type": "function_call", "id": id, "call_id": call_id, "name": name, "arguments": arguments,
            "status": status,
        }))
    }

    fn marked(&self, mut item: Value) -> Value {
        if let Value::Object(fields) = &mut item {
            fields.extend(self.marks.clone());
        }
        item
    }

    fn event(&mut self, kind: &str, body: Value) -> Frame {
        if !self.heard {
            self.sequence += 1;
            return Frame::new();
        }
        let mut event = Map::new();
        event.insert("type".to_owned(), json!(kind));
        event.insert("sequence_number".to_owned(), json!(self.sequence));
        if let Value::Object(body) = body {
            event.extend(body);
        }
        self.sequence += 1;
        crate::frames::frame(kind, &event)
    }
}

/// The text that a model wrapped into the arguments of a custom tool; what is not wrapped is the text.
fn custom_input(arguments: &str) -> String {
    let wrapped: Option<Value> = serde_json::from_str(arguments).ok();
    let input = wrapped.as_ref().and_then(|wrapped| wrapped["input"].as_str());
    input.unwrap_or(arguments).to_owned()
}

/// The data of an event that was kept.
fn read_event(frame: &Bytes) -> Option<Value> {
    let (_, data) = crate::frames::event(frame)?;
    serde_json::from_slice(&data).ok()
}
