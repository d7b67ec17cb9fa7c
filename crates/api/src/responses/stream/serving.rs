//! Calls that the service runs itself, as items of a response: announced while the model speaks, and done when
//! their tool is. Several may be under way at once, so each has its place among the items from the beginning.

use cupola_engine::{
    Frame, ToolSpec,
    turn::{Answer, CallOutcome, ServedCall},
};
use cupola_models::RequestedCall;
use serde_json::{Map, Value, json};

use super::{Begun, Stream, seen::Strand, spelling::Spelling, voice::Voice};
use crate::{
    citations::{Piece, Reader},
    tools::{self, Shown, ShownOutput, Stage},
};

/// A call that is under way.
#[derive(Debug)]
pub struct Running {
    /// Its place among the items.
    pub(super) place: usize,
    pub(super) item_id: String,
    kind: String,
    /// The call; without its arguments until they are whole.
    pub(super) call: RequestedCall,
    /// What its item says from the beginning.
    about: Map<String, Value>,
    /// Not true of a call whose announcement was read back, until the model asks for it again.
    is_recognised: bool,
    /// Whether its end was read back, too.
    is_done: bool,
    /// The item of its output, where that was read back.
    output: Option<ToldOutput>,
    /// The argument that is told while the model writes it.
    pub(super) spelling: Option<Spelling>,
}

/// An item of an output that listeners have been told of.
#[derive(Debug)]
struct ToldOutput {
    place: usize,
    item_id: String,
    is_done: bool,
}

impl Begun {
    /// By what it is recognised after a crash.
    pub(super) fn strand(&self) -> Strand {
        match self.own.as_ref().and_then(|own| tools::shown(&own.kind)) {
            Some(shown) => Strand::Served(shown.item_type().to_owned()),
            None => Strand::Call(self.name.clone()),
        }
    }
}

impl Stream {
    /// Announces a call.
    pub(super) fn announce(&mut self, own: &ServedCall, index: usize, call: RequestedCall) -> Vec<Frame> {
        let Some(shown) = tools::shown(&own.kind) else { return Vec::new() };
        let item_id = self.partition.id(crate::items::prefix(shown.item_type()));
        let about = shown.about(self.settings(own.tool), own);
        let item = self.item(shown, &item_id, &about, &call, Stage::Asked);
        let place = self.output.len();
        let added = json!({"output_index": place, "item": self.shown(&item)});
        let mut frames = vec![self.event("response.output_item.added", added)];
        self.output.push(item);
        let running = Running {
            place,
            item_id,
            kind: own.kind.clone(),
            call,
            about,
            is_recognised: true,
            is_done: false,
            output: None,
            spelling: shown.spelled_out().map(|spelled| Spelling::new(spelled, index)),
        };
        frames.extend(self.tell_stage(&running, shown, Stage::Asked));
        self.running.push(running);
        frames
    }

    /// The tools of all calls are at work: of those that were asked for, and those that were approved.
    pub(super) fn under_way_now(&mut self, asked: &[RequestedCall]) -> Vec<Frame> {
        let mut all = std::mem::take(&mut self.running);
        let mut frames = Vec::new();
        for running in &mut all {
            let asked = asked.iter().find(|asked| asked.id == running.call.id);
            let (Some(asked), Some(shown)) = (asked, tools::shown(&running.kind)) else { continue };
            running.call.arguments.clone_from(&asked.arguments);
            frames.extend(self.spell_whole(running));
            frames.extend(self.tell_arguments(running, shown));
            frames.extend(self.tell_stage(running, shown, Stage::UnderWay));
        }
        self.running = all;
        frames
    }

    /// Calls that end before they are done.
    pub fn cut_short(&mut self) -> Vec<Frame> {
        let all = std::mem::take(&mut self.running);
        self.cut(all)
    }

    /// Calls that the model has not asked for again after a crash.
    pub(super) fn cut_unrecognised(&mut self) -> Vec<Frame> {
        let is_another = |running: &mut Running| !running.is_recognised;
        let others = self.running.extract_if(.., is_another).collect();
        self.cut(others)
    }

    fn cut(&mut self, calls: Vec<Running>) -> Vec<Frame> {
        let mut frames = Vec::new();
        for running in calls {
            if let Some(shown) = tools::shown(&running.kind) {
                let item = self.item(shown, &running.item_id, &running.about, &running.call, Stage::CutShort);
                frames.extend(self.item_done(running.place, item));
            }
        }
        frames
    }

    /// A call is done.
    pub fn tool_completed(&mut self, kind: &str, asked: &RequestedCall, outcome: &CallOutcome) -> Vec<Frame> {
        let Some(shown) = tools::shown(kind) else { return Vec::new() };
        self.learn(shown, outcome);
        let is_this = |running: &Running| running.is_recognised && running.call.id == outcome.call_id;
        let Some(at) = self.running.iter().position(is_this) else { return Vec::new() };
        let running = self.running.remove(at);
        let stage = Stage::Done(outcome);
        let item = self.item(shown, &running.item_id, &running.about, asked, stage);
        let mut frames = Vec::new();
        if running.is_done {
            // What listeners were told may not be all that is kept.
            self.output[running.place] = item;
        } else {
            frames.extend(self.tell_stage(&running, shown, stage));
            frames.extend(self.item_done(running.place, item));
        }
        if let Some(pair) = shown.output() {
            frames.extend(self.tell_output(running.output, pair, asked, outcome));
        }
        frames
    }

    /// The output of a call, where that is an item of its own behind the call's.
    fn tell_output(
        &mut self,
        told: Option<ToldOutput>,
        shown: &dyn ShownOutput,
        asked: &RequestedCall,
        outcome: &CallOutcome,
    ) -> Vec<Frame> {
        let mut frames = Vec::new();
        let told = told.unwrap_or_else(|| {
            let item_id = self.partition.id(crate::items::prefix(shown.item_type()));
            let place = self.output.len();
            let item = self.whole_item(shown.item_type(), &item_id, shown.item(asked, None));
            let added = json!({"output_index": place, "item": self.shown(&item)});
            frames.push(self.event("response.output_item.added", added));
            self.output.push(item);
            ToldOutput { place, item_id, is_done: false }
        });
        let item = self.whole_item(shown.item_type(), &told.item_id, shown.item(asked, Some(outcome)));
        if told.is_done {
            self.output[told.place] = item;
        } else {
            frames.extend(self.item_done(told.place, item));
        }
        frames
    }

    /// What was found can be cited.
    fn learn(&mut self, shown: &dyn Shown, outcome: &CallOutcome) {
        let (call, sources) = shown.sources(outcome);
        self.sources.add(call, sources);
        self.sources.add_links(shown.links(outcome));
        self.figures.extend(shown.figures(outcome));
    }

    fn tell_stage(&mut self, running: &Running, shown: &dyn Shown, stage: Stage<'_>) -> Vec<Frame> {
        let place = json!({"item_id": running.item_id, "output_index": running.place});
        shown.events(stage).iter().map(|kind| self.event(kind, place.clone())).collect()
    }

    /// The arguments of a call, where they are told: all at once, when they are whole.
    fn tell_arguments(&mut self, running: &Running, shown: &dyn Shown) -> Vec<Frame> {
        let Some(event) = shown.arguments_event() else { return Vec::new() };
        let place = |field: &str| {
            json!({
                "item_id": running.item_id, "output_index": running.place,
                field: running.call.arguments,
            })
        };
        let (delta, done) = (place("delta"), place("arguments"));
        vec![self.event(&format!("{event}.delta"), delta), self.event(&format!("{event}.done"), done)]
    }

    fn item(
        &self,
        shown: &dyn Shown,
        id: &str,
        about: &Map<String, Value>,
        call: &RequestedCall,
        stage: Stage<'_>,
    ) -> Value {
        let mut fields = shown.item(call, stage);
        if let Value::Object(fields) = &mut fields {
            fields.extend(about.clone());
        }
        self.whole_item(shown.item_type(), id, fields)
    }

    /// The settings of one of the turn's tools.
    pub(super) fn settings(&self, tool: Option<usize>) -> &Value {
        match tool.and_then(|tool| self.tools.get(tool)) {
            Some(ToolSpec::Served { settings, .. }) => settings,
            _ => &Value::Null,
        }
    }

    pub(super) fn whole_item(&self, item_type: &str, id: &str, fields: Value) -> Value {
        let mut item = Map::new();
        item.insert("type".to_owned(), json!(item_type));
        item.insert("id".to_owned(), json!(id));
        if let Value::Object(fields) = fields {
            item.extend(fields);
        }
        self.marked(Value::Object(item))
    }

    pub(super) fn item_done(&mut self, place: usize, item: Value) -> Vec<Frame> {
        let done = json!({"output_index": place, "item": self.shown(&item)});
        if let Some(output) = self.output.get_mut(place) {
            *output = item;
        }
        vec![self.event("response.output_item.done", done)]
    }

    /// The model asks again for a call that was announced before a crash.
    pub(super) fn recognise(&mut self, call_id: &str) {
        if let Some(running) = self.running.iter_mut().find(|running| !running.is_recognised) {
            running.is_recognised = true;
            running.call.id = call_id.to_owned();
        }
    }

    /// A call that was approved was announced before a crash. Says whether it was.
    pub(super) fn recognise_approved(&mut self, asked: &RequestedCall, about: &Map<String, Value>) -> bool {
        let is_it = |running: &&mut Running| !running.is_recognised && running.about == *about;
        let Some(running) = self.running.iter_mut().find(is_it) else { return false };
        running.is_recognised = true;
        running.call.clone_from(asked);
        true
    }

    /// A call whose announcement was kept.
    pub(super) fn recall_announced(&mut self, kind: &str, item: &Value) {
        let field = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let call = RequestedCall { id: field("call_id"), name: field("name"), arguments: String::new() };
        self.running.push(Running {
            place: self.output.len(),
            item_id: field("id"),
            kind: kind.to_owned(),
            call,
            about: tools::shown(kind).map(|shown| shown.about_item(item)).unwrap_or_default(),
            is_recognised: false,
            is_done: false,
            output: None,
            spelling: None,
        });
        self.output.push(item.clone());
    }

    /// An output whose announcement was kept. Says whether the item was one.
    pub(super) fn recall_output(&mut self, item: &Value) -> bool {
        let is_its = |running: &&mut Running| {
            let pair = tools::shown(&running.kind).and_then(Shown::output);
            running.call.id == item["call_id"] && pair.is_some_and(|pair| pair.item_type() == item["type"])
        };
        let Some(running) = self.running.iter_mut().find(is_its) else { return false };
        let item_id = item["id"].as_str().unwrap_or_default().to_owned();
        running.output = Some(ToldOutput { place: self.output.len(), item_id, is_done: false });
        self.output.push(item.clone());
        true
    }

    /// A call whose end was kept. Says whether the item was one.
    pub(super) fn recall_ended(&mut self, item: &Value) -> bool {
        let id = item["id"].as_str().unwrap_or_default();
        let mut outputs = self.running.iter_mut().filter_map(|running| running.output.as_mut());
        if let Some(output) = outputs.find(|output| output.item_id == id) {
            output.is_done = true;
            self.output[output.place] = item.clone();
            return true;
        }
        let Some(at) = self.running.iter().position(|running| running.item_id == id) else { return false };
        self.output[self.running[at].place] = item.clone();
        if item["status"] == "incomplete" {
            // It was left when an answer differed from the one before it.
            self.running.remove(at);
            self.seen.clear();
        } else {
            self.running[at].is_done = true;
        }
        true
    }

    /// An answer that was written down before this stream was made. Where its events were kept, they have told
    /// everything but what belongs to what.
    pub fn recall_answered(&mut self, answer: &Answer, status: &str, served: &[ServedCall]) {
        if self.sequence == 0 {
            self.set_heard(false);
            self.answered(answer, status, served);
            return;
        }
        let announced = served.iter().filter(|own| !own.needs_approval && tools::shown(&own.kind).is_some());
        announced.for_each(|own| self.recognise(&own.call_id));
        let strands = self.strands_of(answer, served);
        self.seen.forget(strands);
    }

    /// The outcome of a call that was written down before this stream was made.
    pub fn recall_outcome(&mut self, kind: &str, asked: &RequestedCall, outcome: &CallOutcome) {
        self.tool_completed(kind, asked, outcome);
    }

    /// What an answer consists of, voice by voice and call by call.
    fn strands_of(&self, answer: &Answer, served: &[ServedCall]) -> Vec<(Strand, usize)> {
        let words = |voice, text: &str| (Strand::Words(voice), text.len());
        let mut strands = vec![
            words(Voice::Summary, &answer.reasoning_summary),
            words(Voice::Thought, &answer.reasoning),
            words(Voice::Refusal, &answer.refusal),
        ];
        let mut reader = Reader::default();
        let mut said = 0;
        for piece in reader.read(&answer.text, &self.sources) {
            match piece {
                Piece::Words(words) => said += words.len(),
                Piece::Citation { marker, source } => {
                    said += source.words(&marker).len();
                    strands.push((Strand::Citation(source.key().to_owned()), 1));
                }
            }
        }
        strands.push((Strand::Words(Voice::Text), said + reader.rest().len()));
        for call in &answer.calls {
            let strand = match served.iter().find(|own| own.call_id == call.id) {
                None => Some(Strand::Call(call.name.clone())),
                Some(own) if own.needs_approval => None,
                Some(own) => tools::shown(&own.kind).map(|s| Strand::Served(s.item_type().to_owned())),
            };
            strands.extend(strand.map(|strand| (strand, 1)));
        }
        strands
    }
}

#[cfg(test)]
mod tests;
