//! The stream of a response: its output items and the events that announce them, in order.
//!
//! Pure: pieces of an answer go in, items and events come out. Sequence numbers have no gaps. After a crash
//! the events that were kept are read back, and an answer that begins as the interrupted one did goes on
//! where that one stopped, so that a client which comes back misses nothing and sees nothing twice.

mod approving;
mod asking;
mod calling;
mod citing;
mod open;
mod recall;
mod seen;
mod serving;
mod spelling;
mod voice;

use std::collections::VecDeque;

use bytes::Bytes;
use cupola_engine::{
    Frame, Runner, ToolSpec,
    turn::{Answer, ServedCall},
};
use serde_json::{Map, Value, json};

use asking::Asked;
use calling::Begun;
use open::{Open, Spoken};
use seen::{Heard, Seen, Strand};
use serving::Running;
pub use voice::Voice;

use crate::{
    citations::{Reader, Source, Sources},
    items::Include,
    partition::Partition,
};

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
    /// Which calls of the answer are the service's own: their arguments are not told.
    own: Vec<usize>,
    /// Calls of the service's own that are announced and not done.
    running: Vec<Running>,
    /// Servers that are asked for their functions.
    asked: Vec<Asked>,
    /// The tools of the turn.
    tools: Vec<ToolSpec>,
    /// What can be cited.
    sources: Sources,
    /// Finds citations in the text.
    reader: Reader,
    /// What of its items listeners want to see.
    include: Include,
    /// Whether arguments of the service's own calls are told piece by piece.
    spells: bool,
    /// Pictures that were drawn and not cited yet.
    figures: Vec<Source>,
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
            own: Vec::new(),
            running: Vec::new(),
            asked: Vec::new(),
            tools: Vec::new(),
            sources: Sources::default(),
            reader: Reader::default(),
            include: Include::default(),
            spells: false,
            figures: Vec::new(),
        }
    }

    /// Tells arguments piece by piece where that is wanted. Events of such a stream are not kept.
    pub fn spelling(mut self) -> Self {
        self.spells = true;
        self
    }

    /// Tells calls of these tools as calls of custom tools.
    pub fn with_custom_tools(mut self, names: Vec<String>) -> Self {
        self.custom = names;
        self
    }

    /// Knows the tools of the turn.
    pub fn with_tools(mut self, tools: Vec<ToolSpec>) -> Self {
        self.tools = tools;
        self
    }

    /// Shows this of its items.
    pub fn with_include(mut self, include: Include) -> Self {
        self.include = include;
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
        match voice {
            Voice::Text if !self.sources.is_empty() => self.say_and_cite(text),
            Voice::Text => self.say_words(voice, text),
            _ => {
                let mut frames = self.say_rest();
                frames.extend(self.say_words(voice, text));
                frames
            }
        }
    }

    fn say_words(&mut self, voice: Voice, text: &str) -> Vec<Frame> {
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
        let mut frames = self.close("incomplete");
        frames.extend(self.cut_unrecognised());
        frames
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
        let whole = spoken.part_so_far();
        spoken.end_part();
        let at = |mut body: Value| {
            if let (Value::Object(body), Value::Object(place)) = (&mut body, &place) {
                body.extend(place.clone());
            }
            body
        };
        let part = json!({"part": whole});
        vec![
            self.event(&format!("{}.done", voice.event()), at(voice.done(&text))),
            self.event(&format!("{}.done", voice.part_event()), at(part)),
        ]
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

    /// The items as listeners see them.
    pub fn shown_output(&self) -> Vec<Value> {
        self.output.iter().map(|item| self.shown(item)).collect()
    }

    /// Whether listeners do not see everything that is in its items.
    pub fn hides(&self) -> bool {
        self.output.iter().any(|item| Include::concerns(item["type"].as_str().unwrap_or_default()))
    }

    /// The whole answer. What was not told piece by piece, because nobody listened, becomes items now.
    pub fn answered(&mut self, answer: &Answer, status: &str, served: &[ServedCall]) -> Vec<Frame> {
        let mut frames = Vec::new();
        if !self.told {
            frames.extend(self.tell(answer, served));
        }
        frames.extend(self.say_rest());
        // What is not whole now does not become whole any more.
        while let Some(next) = self.waiting.pop_front() {
            frames.extend(self.open_call(next));
        }
        if !self.seen.is_whole() {
            // An answer that is shorter than what listeners have seen of it.
            frames.extend(self.turn_away());
        }
        self.seen.clear();
        let goes_on = status == "completed" && !served.is_empty();
        if self.output.is_empty() && self.open.is_none() && !goes_on {
            frames.extend(self.open_part(Voice::Text));
        }
        if status == "completed" && !goes_on {
            frames.extend(self.cite_figures());
        }
        frames.extend(self.close(status));
        if goes_on {
            frames.extend(self.ask_for_approvals(answer, served));
            frames.extend(self.under_way_now(&answer.calls));
        } else {
            frames.extend(self.cut_short());
        }
        self.turn_over();
        frames
    }

    /// The next answer begins anew.
    fn turn_over(&mut self) {
        self.told = false;
        self.call_index = 0;
        self.own.clear();
    }

    fn tell(&mut self, answer: &Answer, served: &[ServedCall]) -> Vec<Frame> {
        let words = [
            (Voice::Summary, &answer.reasoning_summary),
            (Voice::Thought, &answer.reasoning),
            (Voice::Text, &answer.text),
            (Voice::Refusal, &answer.refusal),
        ];
        let spoken = words.into_iter().filter(|(_, words)| !words.is_empty());
        let mut frames: Vec<_> = spoken.flat_map(|(voice, words)| self.say(voice, words)).collect();
        for (index, call) in answer.calls.iter().enumerate() {
            let by = served.iter().find(|own| own.call_id == call.id);
            let by = by.map_or(Runner::Client, ServedCall::runner);
            frames.extend(self.call_began(index, &call.id, &call.name, by));
            frames.extend(self.call_arguments(index, &call.arguments));
        }
        frames
    }

    /// An item as listeners see it.
    fn shown(&self, item: &Value) -> Value {
        let mut item = item.clone();
        if let Value::Object(fields) = &mut item {
            self.include.apply(fields);
        }
        item
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
