//! Calls, as the model asks for them: one after the other, their arguments piece by piece.

use cupola_engine::{Frame, Runner, turn::ServedCall};
use cupola_models::RequestedCall;
use serde_json::json;

use super::{
    Stream,
    open::{Call, Open},
    seen::{Heard, Strand},
};

/// A call that is not told yet.
#[derive(Debug)]
pub struct Begun {
    pub index: usize,
    pub call_id: String,
    pub name: String,
    pub arguments: String,
    /// The service's own call that it is, where it is one.
    pub own: Option<ServedCall>,
}

impl Stream {
    /// A call begins. Calls are told one after the other: one that begins before the arguments of the call in
    /// front are whole waits for them.
    pub fn call_began(&mut self, index: usize, call_id: &str, name: &str, by: Runner<'_>) -> Vec<Frame> {
        self.told = true;
        let mut frames = self.say_rest();
        let own = match by {
            Runner::Client => None,
            // What needs an approval is asked for when it is whole.
            Runner::Service { needs_approval: false, tool, kind, function } => Some(ServedCall {
                call_id: call_id.to_owned(),
                tool: Some(tool),
                kind: kind.to_owned(),
                function: function.to_owned(),
                ..ServedCall::default()
            }),
            // A call that nobody runs concerns nobody but the model.
            Runner::Service { .. } | Runner::Nobody => {
                self.own.push(index);
                return frames;
            }
        };
        if own.is_some() {
            self.own.push(index);
        }
        let call = Begun {
            index,
            call_id: call_id.to_owned(),
            name: name.to_owned(),
            arguments: String::new(),
            own,
        };
        match self.seen.begins(&call.strand()) {
            Heard::Again if call.own.is_some() => {
                self.recognise(&call.call_id);
                return frames;
            }
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
        if self.own.contains(&index) {
            return self.spell(index, piece);
        }
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
    pub(super) fn is_in_a_call(&self) -> bool {
        matches!(&self.open, Some(Open::Call(call)) if !call.is_whole())
    }

    pub(super) fn open_call(&mut self, begun: Begun) -> Vec<Frame> {
        let mut frames = self.close("completed");
        let Begun { index: call_index, call_id, name, arguments: said_already, own } = begun;
        if let Some(own) = own {
            let call = RequestedCall { id: call_id, name, arguments: String::new() };
            frames.extend(self.announce(&own, call_index, call));
            return frames;
        }
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

    pub(super) fn call_done(&mut self, call: &Call) -> Vec<Frame> {
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
}
