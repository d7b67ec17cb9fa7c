//! The stream of a response: its output items and the events that announce them, in order.
//!
//! Pure: pieces of an answer go in, items and events come out. Sequence numbers have no gaps. After a crash
//! the events that were kept are read back, and an answer that begins as the interrupted one did goes on
//! where that one stopped, so that a client which comes back misses nothing and sees nothing twice.

mod open;
mod recall;
mod seen;
mod voice;

use std::collections::VecDeque;

use bytes::Bytes;
use cupola_engine::{Frame, turn::Answer};
use serde_json::{Map, Value, json};

use open::{Call, Open, Spoken};
use seen::{Heard, Seen, Strand};
pub use voice::Voice;

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
    /// What listeners have seen already, before a crash.
    seen: Seen,
    /// The call that comes again as it was seen.
    again: Option<Begun>,
    /// Whether it was told that the model is at work.
    is_under_way: bool,
    /// Whether this answer is told piece by piece.
    told: bool,
    /// Whether anybody listens.
    heard: bool,
    /// The names of the custom tools.
    custom: Vec<String>,
    /// Which call of the answer is open.
    call_index: usize,
    /// Calls that began before the one in front was whole.
    waiting: VecDeque<Begun>,
}

/// A call that is not told yet.
#[derive(Debug)]
struct Begun {
    index: usize,
    call_id: String,
    name: String,
    arguments: String,
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
            seen: Seen::default(),
            again: None,
            is_under_way: false,
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
        for event in kept.iter().filter_map(recall::read_event) {
            stream.recall(&event);
        }
        stream
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

    /// The model is at work. That is told once, however often it is asked.
    pub fn under_way(&mut self, response: &Value) -> Option<Frame> {
        if std::mem::replace(&mut self.is_under_way, true) {
            return None;
        }
        Some(self.about("response.in_progress", response))
    }

    /// More words.
    pub fn say(&mut self, voice: Voice, text: &str) -> Vec<Frame> {
        self.told = true;
        let mut frames = Vec::new();
        let new = match self.seen.hears(&Strand::Words(voice), text) {
            Heard::Again => return frames,
            Heard::New(new) => new,
            Heard::Other(all) => {
                frames.extend(self.turn_away());
                all
            }
        };
        if new.is_empty() {
            return frames;
        }
        frames.extend(self.open_part(voice));
        frames.extend(self.more_words(&new));
        frames
    }

    /// Another answer than before: what was begun ends unfinished.
    fn turn_away(&mut self) -> Vec<Frame> {
        self.seen.clear();
        self.again = None;
        self.close("incomplete")
    }

    /// Opens a part for this voice, unless one is open.
    fn open_part(&mut self, voice: Voice) -> Vec<Frame> {
        let mut frames = Vec::new();
        let fits =
            matches!(&self.open, Some(Open::Spoken(spoken)) if spoken.is_message == voice.is_message());
        if !fits {
            frames.extend(self.close("completed"));
            frames.push(self.open_spoken(voice.is_message()));
        }
        let Some(Open::Spoken(spoken)) = &self.open else { return frames };
        match spoken.part() {
            Some((open, ..)) if open == voice => return frames,
            Some(_) => frames.extend(self.close_part()),
            None => {}
        }
        if let Some(Open::Spoken(spoken)) = &mut self.open {
            spoken.begin_part(voice);
        }
        let part = voice.part("");
        frames.extend(self.place().map(|(voice, mut place)| {
            place["part"] = part;
            self.event(&format!("{}.added", voice.part_event()), place)
        }));
        frames
    }

    fn open_spoken(&mut self, is_message: bool) -> Frame {
        let id = self.partition.id(if is_message { "msg_" } else { "rs_" });
        let spoken = Spoken::new(id, is_message);
        let item = self.marked(spoken.item("in_progress"));
        self.open = Some(Open::Spoken(spoken));
        self.event("response.output_item.added", json!({"output_index": self.output.len(), "item": item}))
    }

    /// The voice of the part that is open, and where it is.
    fn place(&self) -> Option<(Voice, Value)> {
        let Some(Open::Spoken(spoken)) = &self.open else { return None };
        let (voice, index, _) = spoken.part()?;
        let place = json!({"item_id": spoken.id, "output_index": self.output.len(), voice.index(): index});
        Some((voice, place))
    }

    fn more_words(&mut self, new: &str) -> Option<Frame> {
        let (voice, place) = self.place()?;
        if let Some(Open::Spoken(spoken)) = &mut self.open {
            spoken.say(new);
        }
        Some(self.event(&format!("{}.delta", voice.event()), voice.delta(place, new)))
    }

    fn close_part(&mut self) -> Vec<Frame> {
        let Some((voice, place)) = self.place() else { return Vec::new() };
        let Some(Open::Spoken(spoken)) = &mut self.open else { return Vec::new() };
        let text = spoken.part().map_or_else(String::new, |(.., text)| text.to_owned());
        spoken.end_part();
        let at = |mut body: Value| {
            if let (Value::Object(body), Value::Object(place)) = (&mut body, &place) {
                body.extend(place.clone());
            }
            body
        };
        let part = json!({"part": voice.part(&text)});
        vec![
            self.event(&format!("{}.done", voice.event()), at(voice.done(&text))),
            self.event(&format!("{}.done", voice.part_event()), at(part)),
        ]
    }

    /// A call begins. Calls are told one after the other: one that begins before the arguments of the call in
    /// front are whole waits for them.
    pub fn call_began(&mut self, index: usize, call_id: &str, name: &str) -> Vec<Frame> {
        self.told = true;
        let call =
            Begun { index, call_id: call_id.to_owned(), name: name.to_owned(), arguments: String::new() };
        let mut frames = Vec::new();
        match self.seen.begins(&Strand::Call(call.name.clone())) {
            Heard::Again => {
                self.call_index = index;
                self.again = Some(call);
                return frames;
            }
            Heard::New(_) => self.again = None,
            Heard::Other(_) => {
                let unfinished = self.again.take();
                frames.extend(self.turn_away());
                frames.extend(unfinished.into_iter().flat_map(|call| self.open_call(call)));
            }
        }
        if self.is_in_a_call() {
            self.waiting.push_back(call);
            return frames;
        }
        frames.extend(self.open_call(call));
        frames
    }

    /// More of the arguments of a call.
    pub fn call_arguments(&mut self, index: usize, piece: &str) -> Vec<Frame> {
        if self.call_index != index {
            if let Some(call) = self.waiting.iter_mut().find(|call| call.index == index) {
                call.arguments.push_str(piece);
            }
            return Vec::new();
        }
        let mut frames = match self.again.take() {
            Some(call) => self.arguments_again(call, piece),
            None => self.more_arguments(piece),
        };
        while !self.is_in_a_call()
            && let Some(next) = self.waiting.pop_front()
        {
            frames.extend(self.open_call(next));
        }
        frames
    }

    /// More of the arguments of a call that was seen before.
    fn arguments_again(&mut self, mut call: Begun, piece: &str) -> Vec<Frame> {
        match self.seen.hears(&Strand::Call(call.name.clone()), piece) {
            Heard::Again => {
                call.arguments.push_str(piece);
                self.again = Some(call);
                Vec::new()
            }
            Heard::New(more) => self.more_arguments(&more),
            Heard::Other(all) => {
                let mut frames = self.turn_away();
                call.arguments = all;
                frames.extend(self.open_call(call));
                frames
            }
        }
    }

    /// Whether a call is being told whose arguments are not whole.
    fn is_in_a_call(&self) -> bool {
        matches!(&self.open, Some(Open::Call(call)) if !call.is_whole())
    }

    fn open_call(&mut self, begun: Begun) -> Vec<Frame> {
        let mut frames = self.close("completed");
        let Begun { index: call_index, call_id, name, arguments: said_already } = begun;
        self.call_index = call_index;
        let is_custom = self.custom.contains(&name);
        let id = self.partition.id(Call::prefix(is_custom));
        let call = Call { id, call_id, name, arguments: String::new(), is_custom };
        let added = json!({"output_index": self.output.len(), "item": self.marked(call.announced())});
        frames.push(self.event("response.output_item.added", added));
        self.open = Some(Open::Call(call));
        if !said_already.is_empty() {
            frames.extend(self.more_arguments(&said_already));
        }
        frames
    }

    fn more_arguments(&mut self, piece: &str) -> Vec<Frame> {
        let Some(Open::Call(call)) = &mut self.open else { return Vec::new() };
        call.arguments.push_str(piece);
        if call.is_custom {
            return Vec::new();
        }
        let body = json!({"item_id": call.id, "output_index": self.output.len(), "delta": piece});
        vec![self.event("response.function_call_arguments.delta", body)]
    }

    /// Ends the item that is open.
    pub fn close(&mut self, status: &str) -> Vec<Frame> {
        let mut frames = self.close_part();
        let item = match self.open.take() {
            None => return frames,
            Some(Open::Spoken(spoken)) => spoken.item(status),
            Some(Open::Call(call)) => {
                frames.extend(self.call_done(&call));
                call.item(status)
            }
        };
        let item = self.marked(item);
        let done = json!({"output_index": self.output.len(), "item": item});
        self.output.push(item);
        frames.push(self.event("response.output_item.done", done));
        frames
    }

    fn call_done(&mut self, call: &Call) -> Vec<Frame> {
        let (id, index, said) = (&call.id, self.output.len(), call.said());
        if !call.is_custom {
            let body =
                json!({"item_id": id, "output_index": index, "name": call.name, "arguments": call.arguments});
            return vec![self.event("response.function_call_arguments.done", body)];
        }
        let place = |field: &str| json!({"item_id": id, "output_index": index, field: said});
        vec![
            self.event("response.custom_tool_call_input.delta", place("delta")),
            self.event("response.custom_tool_call_input.done", place("input")),
        ]
    }

    /// The whole answer. What was not told piece by piece, because nobody listened, becomes items now.
    pub fn answered(&mut self, answer: &Answer, status: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        if !self.told {
            frames.extend(self.tell(answer));
        }
        // What is not whole now does not become whole any more.
        while let Some(next) = self.waiting.pop_front() {
            frames.extend(self.open_call(next));
        }
        if !self.seen.is_whole() {
            // An answer that is shorter than what listeners have seen of it.
            frames.extend(self.turn_away());
        }
        self.seen.clear();
        if self.output.is_empty() && self.open.is_none() {
            frames.extend(self.open_part(Voice::Text));
        }
        frames.extend(self.close(status));
        frames
    }

    fn tell(&mut self, answer: &Answer) -> Vec<Frame> {
        let words = [
            (Voice::Summary, &answer.reasoning_summary),
            (Voice::Thought, &answer.reasoning),
            (Voice::Text, &answer.text),
            (Voice::Refusal, &answer.refusal),
        ];
        let spoken = words.into_iter().filter(|(_, words)| !words.is_empty());
        let mut frames: Vec<_> = spoken.flat_map(|(voice, words)| self.say(voice, words)).collect();
        for (index, call) in answer.calls.iter().enumerate() {
            frames.extend(self.call_began(index, &call.id, &call.name));
            frames.extend(self.call_arguments(index, &call.arguments));
        }
        frames
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
