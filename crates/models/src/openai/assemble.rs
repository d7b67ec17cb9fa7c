//! Turns the chunks of one answer into deltas.
//! Knows the ways in which servers number, name and split the calls of an answer.

use std::collections::VecDeque;

use serde::de::IgnoredAny;

use super::chunk::{CallPiece, Choice, Chunk, Piece, Text, Thought};
use crate::{Finish, ModelDelta, ModelUsage};

/// What has been seen of an answer.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    calls: Vec<Call>,
    began: usize,
    wrote: bool,
    finished: bool,
    last_usage: Option<ModelUsage>,
}

/// Why a chunk can't be understood.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A call's arguments are not JSON text.
    Arguments,
    /// The answer ended and a call never named its function.
    NamelessCall,
}

/// A call while its fragments arrive.
#[derive(Debug, Default)]
struct Call {
    /// The number that the server uses for it.
    number: Option<i64>,
    id: String,
    name: String,
    arguments: String,
    /// Its place in the answer, once it was announced.
    place: Option<usize>,
}

impl Assembler {
    /// Takes a chunk and appends the deltas that follow from it.
    pub(crate) fn accept(
        &mut self,
        chunk: Chunk<'_>,
        deltas: &mut VecDeque<ModelDelta>,
    ) -> Result<(), Trouble> {
        // One answer was asked for: anything beyond the first choice is not ours.
        if let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) {
            self.choice(choice, deltas)?;
        }
        if let Some(usage) = chunk.usage.map(ModelUsage::from).filter(|usage| Some(*usage) != self.last_usage)
        {
            self.last_usage = Some(usage);
            deltas.push_back(ModelDelta::Usage(usage));
        }
        Ok(())
    }

    /// The server says that the answer is over; gives the finish where it had not named a reason.
    pub(crate) fn end(&mut self, deltas: &mut VecDeque<ModelDelta>) -> Result<(), Trouble> {
        if self.finished || self.is_empty() { Ok(()) } else { self.finish(Finish::Stop, deltas) }
    }

    /// Whether the answer is complete.
    pub(crate) fn finished(&self) -> bool {
        self.finished
    }

    /// Whether any part of an answer was seen.
    pub(crate) fn is_empty(&self) -> bool {
        !self.wrote && self.calls.is_empty()
    }

    fn choice(&mut self, choice: Choice<'_>, deltas: &mut VecDeque<ModelDelta>) -> Result<(), Trouble> {
        if self.finished {
            return Ok(());
        }
        if let Some(piece) = choice.delta {
            self.words(&piece, deltas);
            for call in piece.tool_calls.into_iter().flatten() {
                self.call(&call, deltas)?;
            }
        }
        if let Some(reason) = Text::filled(&choice.finish_reason) {
            self.finish(finish_from(reason), deltas)?;
        }
        Ok(())
    }

    /// What is thought comes before what is said.
    fn words(&mut self, piece: &Piece<'_>, deltas: &mut VecDeque<ModelDelta>) {
        let thought = piece.thought().map(|thought| match thought {
            Thought::Text(text) => ModelDelta::Reasoning(text.into_owned()),
            Thought::Summary(text) => ModelDelta::ReasoningSummary(text.into_owned()),
        });
        let text = Text::filled(&piece.content).map(|text| ModelDelta::Text(text.to_owned()));
        let refusal = Text::filled(&piece.refusal).map(|text| ModelDelta::Refusal(text.to_owned()));
        let words = [thought, text, refusal].into_iter().flatten();
        let before = deltas.len();
        deltas.extend(words);
        self.wrote |= deltas.len() > before;
    }

    fn finish(&mut self, finish: Finish, deltas: &mut VecDeque<ModelDelta>) -> Result<(), Trouble> {
        if self.calls.iter().any(|call| call.place.is_none()) {
            return Err(Trouble::NamelessCall);
        }
        self.finished = true;
        // Several servers say "stop" although they asked for calls.
        let finish = if finish == Finish::Stop && self.began > 0 { Finish::ToolCalls } else { finish };
        deltas.push_back(ModelDelta::Finish(finish));
        Ok(())
    }

    fn call(&mut self, piece: &CallPiece<'_>, deltas: &mut VecDeque<ModelDelta>) -> Result<(), Trouble> {
        let id = Text::filled(&piece.id).unwrap_or_default();
        let name = piece.function.as_ref().and_then(|f| Text::filled(&f.name)).unwrap_or_default();
        let arguments = piece.function.as_ref().map(|f| f.arguments()).transpose();
        let arguments = arguments.map_err(|_| Trouble::Arguments)?.unwrap_or_default();

        let known = self.belongs_to(piece.index, id, name);
        let at = known.unwrap_or_else(|| {
            self.calls.push(Call { number: piece.index, ..Call::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            name.clone_into(&mut call.name);
        }
        call.arguments.push_str(&arguments);

        let mut new_text = arguments.into_owned();
        if call.place.is_none() && !call.name.is_empty() {
            call.place = Some(self.began);
            let (id, name) = (call.id.clone(), call.name.clone());
            deltas.push_back(ModelDelta::CallBegan { index: self.began, id, name });
            self.began += 1;
            new_text.clone_from(&call.arguments);
        }
        if let (Some(index), false) = (call.place, new_text.is_empty()) {
            deltas.push_back(ModelDelta::CallArguments { index, text: new_text });
        }
        Ok(())
    }

    /// The call that a fragment continues; `None` if it begins another one.
    fn belongs_to(&self, number: Option<i64>, id: &str, name: &str) -> Option<usize> {
        let same_number = |call: &Call| number.is_some() && call.number == number;
        let same_id = |call: &Call| !id.is_empty() && call.id == id;
        let at = if number.is_some() {
            // From the back: where a number was used twice, the later call is the one that goes on.
            self.calls.iter().rposition(same_number)?
        } else if !id.is_empty() {
            self.calls.iter().rposition(same_id)?
        } else {
            self.calls.len().checked_sub(1)?
        };
        self.calls[at].goes_on_with(id, name).then_some(at)
    }
}

impl Call {
    /// Whether a fragment with this id and name can belong to this call. Servers that send whole calls
    /// sometimes give all of them the same number, or the same id, or neither.
    fn goes_on_with(&self, id: &str, name: &str) -> bool {
        let differs = |new: &str, known: &str| !new.is_empty() && !known.is_empty() && new != known;
        if differs(id, &self.id) || differs(name, &self.name) {
            return false;
        }
        let named_again = !name.is_empty() && !self.name.is_empty();
        !(named_again && self.is_whole())
    }

    fn is_whole(&self) -> bool {
        serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }
}

fn finish_from(reason: &str) -> Finish {
    match reason {
        "length" | "max_tokens" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        _ => Finish::Stop,
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
