//! The calls of an answer: one step, whoever runs them. It is written down when the model has asked for them, again
//! when one that the service runs is done, and when the client has brought its outputs.

use std::borrow::Cow;

use cupola_engine::{
    Runner,
    turn::{Approval, CallOutcome, ServedCall},
};
use cupola_models::RequestedCall;
use cupola_wire::classic::{
    CalledFunction, FunctionCallDelta, FunctionCallDetails, RunStep, StepDetails, StepStatus, Tool, ToolCall,
    ToolCalls, Usage,
};
use serde_json::{Value, json};

use super::*;
use crate::tools::{self, Shown, Stage, code_interpreter::Spelled};

/// A step of calls, and the version in which it was written down; 0 if it was not.
pub(super) struct CallStep {
    pub step: RunStep,
    pub etag: i64,
}

/// An argument of a call of the service's own that is told while the model writes it.
pub(super) struct Spelling {
    /// Which call of the answer it belongs to.
    index: usize,
    call_id: String,
    kind: String,
    field: &'static str,
    reader: Spelled,
}

impl RunProjection {
    /// Inserts or replaces the step of calls, whichever is due.
    pub(super) fn write_call_step(&self, calls: &mut CallStep) -> Change {
        if calls.etag == 0 {
            calls.etag = 1;
            return self.insert_step(&calls.step);
        }
        let if_etag = calls.etag;
        calls.etag += 1;
        Change::Replace {
            key: Key::new(&self.project, RUN_STEP, calls.step.id.clone()),
            if_etag,
            doc: document(&calls.step),
        }
    }

    /// A call begins.
    pub(super) fn call_began(
        &mut self,
        now: i64,
        index: usize,
        id: &str,
        name: &str,
        by: Runner<'_>,
    ) -> Vec<Frame> {
        let mut frames = Vec::new();
        let step_id = match &self.calls {
            Some(calls) => calls.step.id.clone(),
            None => {
                let step = self.new_step(now, "tool_calls", tool_calls(Vec::new()));
                frames.push(frame("thread.run.step.created", &step));
                frames.push(frame("thread.run.step.in_progress", &step));
                let id = step.id.clone();
                self.calls = Some(CallStep { step, etag: 0 });
                id
            }
        };
        if let Runner::Service { tool, kind, .. } = by
            && let Some(shown) = tools::shown(kind)
        {
            self.own.push(index);
            if shown.arguments_event().is_some() {
                return frames;
            }
            let call = RequestedCall { id: id.to_owned(), name: name.to_owned(), arguments: String::new() };
            let fields = shown.in_step(&self.settings(tool, kind), &call, Stage::Asked);
            self.spellings.extend(shown.spelled_out().map(|spelled| Spelling {
                index,
                call_id: id.to_owned(),
                kind: kind.to_owned(),
                field: spelled.field,
                reader: Spelled::new(spelled.argument),
            }));
            frames.push(served_call_delta(&step_id, index, id, kind, fields));
            return frames;
        }
        let function = FunctionCallDelta {
            name: Some(name.to_owned()),
            arguments: Some(String::new()),
            output: Some(None),
        };
        frames.push(call_delta(&step_id, index, Some(id), function));
        frames
    }

    /// More of the arguments of a call. What is asked of the service's own tools is told where it is of interest.
    pub(super) fn call_arguments(&mut self, index: usize, text: &str) -> Vec<Frame> {
        if let Some(frame) = self.spell(index, text) {
            return vec![frame];
        }
        match &self.calls {
            Some(calls) if !self.own.contains(&index) => {
                let function =
                    FunctionCallDelta { name: None, arguments: Some(text.to_owned()), output: None };
                vec![call_delta(&calls.step.id, index, None, function)]
            }
            _ => Vec::new(),
        }
    }

    fn spell(&mut self, index: usize, json: &str) -> Option<Frame> {
        let calls = self.calls.as_ref()?;
        let spelling = self.spellings.iter_mut().find(|spelling| spelling.index == index)?;
        let text = spelling.reader.read(json);
        let Spelling { call_id, kind, field, .. } = spelling;
        let fields = Extra::from_iter([(kind.clone(), json!({*field: text}))]);
        (!text.is_empty()).then(|| served_call_delta(&calls.step.id, index, call_id, kind, fields))
    }

    /// The open step of calls; one that nobody has heard of is announced now.
    fn take_calls(&mut self, now: i64, out: &mut Output) -> CallStep {
        self.own.clear();
        self.spellings.clear();
        self.calls.take().unwrap_or_else(|| {
            let step = self.new_step(now, "tool_calls", tool_calls(Vec::new()));
            out.show("thread.run.step.created", &step);
            out.show("thread.run.step.in_progress", &step);
            CallStep { step, etag: 0 }
        })
    }

    /// Ends calls that were never written down, because the model did not get to their end.
    pub(super) fn end_calls(
        &mut self,
        now: i64,
        asked: &[RequestedCall],
        served: &[ServedCall],
        status: StepStatus,
        usage: Usage,
        out: &mut Output,
    ) {
        let mut calls = self.take_calls(now, out);
        calls.step.step_details = tool_calls(self.asked(asked, served));
        calls.step.usage = Some(usage);
        settle(&mut calls.step, status, now, self.run.last_error.as_ref());
        out.changes.push(self.write_call_step(&mut calls));
        out.show(step_event(status), &calls.step);
    }

    /// Calls that somebody runs now.
    pub(super) fn write_calls(
        &mut self,
        now: i64,
        asked: &[RequestedCall],
        served: &[ServedCall],
        usage: Usage,
        out: &mut Output,
    ) {
        let mut calls = self.take_calls(now, out);
        calls.step.step_details = tool_calls(self.asked(asked, served));
        calls.step.usage = Some(usage);
        for own in served {
            self.show_whole(&calls.step, own, asked, Stage::UnderWay, out);
        }
        out.changes.push(self.write_call_step(&mut calls));
        self.calls = Some(calls);
    }

    /// Calls as they were asked for.
    fn asked(&self, asked: &[RequestedCall], served: &[ServedCall]) -> Vec<ToolCall> {
        let calls = asked.iter().map(|call| {
            let own = served.iter().find(|own| own.call_id == call.id);
            match own.and_then(|own| Some((own, tools::shown(&own.kind)?))) {
                Some((own, shown)) => self.shown_call(own, shown, call, Stage::UnderWay),
                None => function_call(call),
            }
        });
        calls.collect()
    }

    fn shown_call(
        &self,
        own: &ServedCall,
        shown: &dyn Shown,
        asked: &RequestedCall,
        stage: Stage<'_>,
    ) -> ToolCall {
        let mut call = Extra::new();
        call.insert("id".to_owned(), json!(own.call_id));
        call.insert("type".to_owned(), json!(own.kind));
        call.extend(self.fields(own, shown, asked, stage));
        ToolCall::Other(call)
    }

    /// What a step shows of a call, beside its id and its type.
    fn fields(&self, own: &ServedCall, shown: &dyn Shown, asked: &RequestedCall, stage: Stage<'_>) -> Extra {
        let settings = self.settings(own.tool.unwrap_or(usize::MAX), &own.kind);
        let mut fields = shown.in_step(&settings, asked, stage);
        fields.extend(shown.about(&settings, own));
        fields
    }

    /// Shows a call whose arguments are whole, where it is not shown before.
    fn show_whole(
        &self,
        step: &RunStep,
        own: &ServedCall,
        asked: &[RequestedCall],
        stage: Stage<'_>,
        out: &mut Output,
    ) {
        let shown = tools::shown(&own.kind).filter(|shown| out.heard && shown.arguments_event().is_some());
        let at = asked.iter().position(|call| call.id == own.call_id);
        if let (Some(shown), Some(at)) = (shown, at) {
            let fields = self.fields(own, shown, &asked[at], stage);
            out.frames.push(served_call_delta(&step.id, at, &own.call_id, &own.kind, fields));
        }
    }

    /// The settings of a tool, as they stand in the run: under its kind, or in the tool itself.
    pub(super) fn settings(&self, tool: usize, kind: &str) -> Cow<'_, Value> {
        match self.run.tools.get(tool) {
            Some(Tool::Other(tool)) => match tool.get(kind) {
                Some(settings) => Cow::Borrowed(settings),
                None => Cow::Owned(Value::Object(tool.clone())),
            },
            _ => Cow::Owned(Value::Null),
        }
    }

    /// A call that is not made, because the client does not approve it.
    pub(super) fn deny(&mut self, denied: &Approval) {
        if let Some(calls) = &mut self.calls {
            replace_call(&mut calls.step, &denied.call_id, |call| with_output(call, &denied.denial()));
        }
    }

    /// Writes the open step down; it is done where nothing of it is open any more.
    pub(super) fn write_open_calls(&mut self, now: i64, turn: &Turn, out: &mut Output) {
        let Some(mut calls) = self.calls.take() else { return };
        let is_over = !matches!(turn.phase, Phase::Running { .. }) && !turn.is_waiting();
        if is_over {
            settle(&mut calls.step, StepStatus::Completed, now, None);
        }
        out.changes.push(self.write_call_step(&mut calls));
        if is_over {
            self.show_step(&calls.step, out);
        } else {
            self.calls = Some(calls);
        }
    }

    /// A call that the service runs is done. Its step is, too, once all of its calls are.
    pub(super) fn tool_completed(&mut self, now: i64, outcome: &CallOutcome, turn: &Turn, out: &mut Output) {
        self.learn(outcome);
        let Some(mut calls) = self.calls.take() else { return };
        let own = self.served.iter().find(|own| own.call_id == outcome.call_id);
        let asked = turn.asked_last().iter().find(|asked| asked.id == outcome.call_id);
        if let (Some(own), Some(asked)) = (own, asked) {
            let call = match tools::shown(&own.kind) {
                Some(shown) => self.shown_call(own, shown, asked, Stage::Done(outcome)),
                None => with_output(function_call(asked), &outcome.output),
            };
            replace_call(&mut calls.step, &outcome.call_id, |_| call.clone());
            self.tell_outputs(&calls.step.id, own, outcome, turn, out);
            add_usage(&mut calls.step, outcome);
            self.show_whole(&calls.step, own, turn.asked_last(), Stage::Done(outcome), out);
        }
        self.calls = Some(calls);
        self.write_open_calls(now, turn, out);
    }

    /// What a call came to, where its arguments were told while the model wrote them.
    fn tell_outputs(
        &self,
        step: &str,
        own: &ServedCall,
        outcome: &CallOutcome,
        turn: &Turn,
        out: &mut Output,
    ) {
        let shown = tools::shown(&own.kind).filter(|shown| shown.spelled_out().is_some());
        let index = turn.asked_last().iter().position(|asked| asked.id == outcome.call_id);
        let (Some(shown), Some(index)) = (shown, index) else { return };
        let call =
            RequestedCall { id: own.call_id.clone(), name: own.function.clone(), arguments: String::new() };
        let mut fields = shown.in_step(&Value::Null, &call, Stage::Done(outcome));
        let Some(Value::Object(body)) = fields.get_mut(&own.kind) else { return };
        body.retain(|field, _| field == "outputs");
        for (place, output) in body.values_mut().filter_map(Value::as_array_mut).flatten().enumerate() {
            output["index"] = json!(place);
        }
        out.announce(vec![served_call_delta(step, index, &own.call_id, &own.kind, fields)]);
    }

    /// What was found can be cited.
    pub(super) fn learn(&mut self, outcome: &CallOutcome) {
        let own = self.served.iter().find(|own| own.call_id == outcome.call_id);
        if let Some(shown) = own.and_then(|own| tools::shown(&own.kind)) {
            let (call, sources) = shown.sources(outcome);
            self.sources.add(call, sources);
            self.sources.add_links(shown.links(outcome));
            self.figures.extend(shown.figures(outcome).iter().map(|figure| figure.key().to_owned()));
        }
    }

    pub(super) fn outputs_submitted(&mut self, now: i64, outputs: &[CallOutput], out: &mut Output) {
        let Some(mut calls) = self.calls.take() else { return };
        for output in outputs {
            replace_call(&mut calls.step, &output.call_id, |call| with_output(call, &output.output));
        }
        settle(&mut calls.step, StepStatus::Completed, now, None);
        out.changes.push(self.write_call_step(&mut calls));
        self.show_step(&calls.step, out);
    }

    /// The step is done. What the client did not ask for is left out of what it is told.
    fn show_step(&self, step: &RunStep, out: &mut Output) {
        if !out.heard {
            return;
        }
        match serde_json::to_value(step) {
            Ok(mut shown) => {
                self.include.apply(&mut shown);
                out.show(step_event(step.status), &shown);
            }
            Err(_) => out.show(step_event(step.status), step),
        }
    }
}

fn tool_calls(tool_calls: Vec<ToolCall>) -> StepDetails {
    StepDetails::ToolCalls(ToolCalls { tool_calls })
}

fn function_call(call: &RequestedCall) -> ToolCall {
    ToolCall::Function(FunctionCallDetails {
        id: call.id.clone(),
        function: CalledFunction { name: call.name.clone(), arguments: call.arguments.clone(), output: None },
    })
}

fn with_output(mut call: ToolCall, output: &str) -> ToolCall {
    match &mut call {
        ToolCall::Function(call) => call.function.output = Some(output.to_owned()),
        ToolCall::Other(call) => drop(call.insert("output".to_owned(), json!(output))),
    }
    call
}

/// What a call has used, so that the steps of a run add up.
fn add_usage(step: &mut RunStep, outcome: &CallOutcome) {
    let usage = step.usage.get_or_insert_default();
    let more = wire_usage(outcome.usage);
    let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
    add(&mut usage.prompt_tokens, more.prompt_tokens);
    add(&mut usage.completion_tokens, more.completion_tokens);
    add(&mut usage.total_tokens, more.total_tokens);
    add(&mut usage.prompt_token_details.cached_tokens, more.prompt_token_details.cached_tokens);
}

/// Replaces one of the calls of a step.
fn replace_call(step: &mut RunStep, id: &str, with: impl Fn(ToolCall) -> ToolCall) {
    let StepDetails::ToolCalls(details) = &mut step.step_details else { return };
    let is_this = |call: &ToolCall| match call {
        ToolCall::Function(call) => call.id == id,
        ToolCall::Other(call) => call.get("id").and_then(Value::as_str) == Some(id),
    };
    if let Some(call) = details.tool_calls.iter_mut().find(|call| is_this(call)) {
        *call = with(call.clone());
    }
}
