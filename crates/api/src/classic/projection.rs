//! How a turn is shown as a run: its resources, and the frames of its stream, event by event.
//!
//! A step and a message are announced when the model begins to speak and are written down when it has
//! answered; what a crash interrupts was never written down, and is announced anew by the next attempt.

use std::sync::Arc;

use bytes::Bytes;
use cupola_engine::{
    Changes, Delta, Frame, Millis, Projection, ids,
    turn::{Answer, CallOutput, End, Event, Limit, Phase, Turn},
};
use cupola_models::{Finish, RequestedCall};
use cupola_store::{Change, Key, Resource, StoreError};
use cupola_wire::classic::{
    ContentBlock, FunctionCallDelta, IncompleteDetails, Message, MessageCreation, MessageReference, Role,
    Run, RunStatus, RunStep, StepDetails, StepStatus, Text, TextBlock, Usage,
};
use cupola_wire::{Extra, Metadata};

use super::{
    kinds::{MESSAGE, RUN, RUN_STEP},
    shapes::{
        asked_last, call_delta, last_error, required_action, settle, step_event, text_delta, tool_calls,
        wire_usage,
    },
};
use crate::{
    body::document,
    frames::{done, frame},
};

/// A run, and what is open in it.
pub struct RunProjection {
    project: Arc<str>,
    key: Key,
    run: Run,
    etag: i64,
    /// When the model call that is under way began.
    call_began: i64,
    /// The message that the model is writing, once it was announced.
    message: Option<Announced>,
    /// The step of calls that the model is asking for, or that waits for the client.
    calls: Option<CallStep>,
    /// `thread.created`, for a run that came with its thread.
    prelude: Option<Frame>,
}

/// A message that was announced, and its step.
struct Announced {
    step: RunStep,
    message: Message,
    spoken: bool,
}

/// A step of calls, and the version in which it was written down; 0 if it was not.
struct CallStep {
    step: RunStep,
    etag: i64,
}

impl RunProjection {
    /// A run that is about to be accepted.
    pub fn new(project: &Arc<str>, run: Run) -> Self {
        Self::resumed(project, run, 0, None)
    }

    /// A run that was found in the store, with the step of calls that is open in it.
    pub fn resumed(project: &Arc<str>, run: Run, etag: i64, open: Option<(RunStep, i64)>) -> Self {
        Self {
            project: Arc::clone(project),
            key: Key::new(project, RUN, run.id.clone()),
            call_began: run.created_at,
            run,
            etag,
            message: None,
            calls: open.map(|(step, etag)| CallStep { step, etag }),
            prelude: None,
        }
    }

    /// The stream begins with this frame.
    pub fn with_prelude(mut self, frame: Frame) -> Self {
        self.prelude = Some(frame);
        self
    }

    fn accepted(&mut self, until: Millis, out: &mut Output) {
        self.run.expires_at = Some(until / 1000);
        self.etag = 1;
        out.changes.push(Change::Insert {
            key: self.key.clone(),
            parent: self.run.thread_id.clone(),
            facet: String::new(),
            created_at: self.run.created_at,
            doc: self.document(),
        });
        out.frames.extend(self.prelude.take().filter(|_| out.heard));
        out.show("thread.run.created", &self.run);
        out.show("thread.run.queued", &self.run);
    }

    /// What the model has said becomes a message and a step of calls.
    fn answered(&mut self, now: i64, answer: &Answer, finish: Finish, out: &mut Output) {
        let usage = wire_usage(answer.usage);
        let status = match finish {
            Finish::Length => MessageEnd::Incomplete("max_tokens"),
            Finish::ContentFilter => MessageEnd::Incomplete("content_filter"),
            Finish::Stop | Finish::ToolCalls => MessageEnd::Completed,
        };
        let has_calls = !answer.calls.is_empty();
        let said = answer.said();
        if !said.is_empty() || !has_calls {
            // Tokens belong to the model call: its last step shows them, so that the steps add up.
            let own = if has_calls { Usage::default() } else { usage };
            self.write_message(now, &said, StepStatus::Completed, status, own, out);
        }
        if has_calls && status == MessageEnd::Completed {
            self.write_calls(now, &answer.calls, usage, out);
        } else if has_calls {
            // Cut short before the calls were whole: nobody will run them.
            self.end_calls(now, &answer.calls, StepStatus::Cancelled, usage, out);
        }
    }

    fn write_message(
        &mut self,
        now: i64,
        text: &str,
        step_status: StepStatus,
        end: MessageEnd,
        usage: Usage,
        out: &mut Output,
    ) {
        if self.message.is_none() {
            let frames = self.announce_message();
            out.announce(frames);
        }
        let Some(Announced { mut step, mut message, .. }) = self.message.take() else { return };
        message.content = vec![ContentBlock::Text(TextBlock {
            text: Text { value: text.to_owned(), annotations: Vec::new() },
        })];
        let event = match end {
            MessageEnd::Completed => {
                message.status = Some("completed".to_owned());
                message.completed_at = Some(Some(now));
                "thread.message.completed"
            }
            MessageEnd::Incomplete(reason) => {
                message.status = Some("incomplete".to_owned());
                message.incomplete_details = Some(Some(IncompleteDetails { reason: reason.to_owned() }));
                message.incomplete_at = Some(Some(now));
                "thread.message.incomplete"
            }
        };
        settle(&mut step, step_status, now, self.run.last_error.as_ref());
        step.usage = Some(usage);
        out.changes.push(self.insert_message(&message, end));
        out.changes.push(self.insert_step(&step));
        out.show(event, &message);
        out.show(step_event(step_status), &step);
    }

    fn insert_message(&self, message: &Message, end: MessageEnd) -> Change {
        let mut stored = message.clone();
        if end == MessageEnd::Completed {
            // Over REST a finished message has no status fields.
            stored.status = None;
            stored.incomplete_details = None;
            stored.incomplete_at = None;
            stored.completed_at = None;
        }
        Change::Insert {
            key: Key::new(&self.project, MESSAGE, message.id.clone()),
            parent: self.run.thread_id.clone(),
            facet: self.run.id.clone(),
            created_at: message.created_at,
            doc: document(&stored),
        }
    }

    fn insert_step(&self, step: &RunStep) -> Change {
        Change::Insert {
            key: Key::new(&self.project, RUN_STEP, step.id.clone()),
            parent: self.run.id.clone(),
            facet: String::new(),
            created_at: step.created_at,
            doc: document(step),
        }
    }

    /// Inserts or replaces the step of calls, whichever is due.
    fn write_call_step(&self, calls: &mut CallStep) -> Change {
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

    /// The open step of calls; one that nobody has heard of is announced now.
    fn take_calls(&mut self, now: i64, out: &mut Output) -> CallStep {
        self.calls.take().unwrap_or_else(|| {
            let step = self.new_step(now, "tool_calls", tool_calls(&[], None));
            out.show("thread.run.step.created", &step);
            out.show("thread.run.step.in_progress", &step);
            CallStep { step, etag: 0 }
        })
    }

    /// Ends calls that were never written down, because the model did not get to their end.
    fn end_calls(
        &mut self,
        now: i64,
        asked: &[RequestedCall],
        status: StepStatus,
        usage: Usage,
        out: &mut Output,
    ) {
        let mut calls = self.take_calls(now, out);
        calls.step.step_details = tool_calls(asked, None);
        calls.step.usage = Some(usage);
        settle(&mut calls.step, status, now, self.run.last_error.as_ref());
        out.changes.push(self.write_call_step(&mut calls));
        out.show(step_event(status), &calls.step);
    }

    fn write_calls(&mut self, now: i64, asked: &[RequestedCall], usage: Usage, out: &mut Output) {
        let mut calls = self.take_calls(now, out);
        calls.step.step_details = tool_calls(asked, None);
        calls.step.usage = Some(usage);
        out.changes.push(self.write_call_step(&mut calls));
        self.calls = Some(calls);
    }

    fn outputs_submitted(&mut self, now: i64, outputs: &[CallOutput], turn: &Turn, out: &mut Output) {
        let Some(mut calls) = self.calls.take() else { return };
        let asked = asked_last(turn);
        calls.step.step_details = tool_calls(&asked, Some(outputs));
        settle(&mut calls.step, StepStatus::Completed, now, None);
        out.changes.push(self.write_call_step(&mut calls));
        out.show("thread.run.step.completed", &calls.step);
    }

    /// What is open when the run ends without an answer: a message that was begun, calls that wait.
    fn close(
        &mut self,
        now: i64,
        partial: &Answer,
        status: StepStatus,
        reason: &'static str,
        out: &mut Output,
    ) {
        let usage = wire_usage(partial.usage);
        let said = partial.said();
        if !said.is_empty() {
            self.write_message(now, &said, status, MessageEnd::Incomplete(reason), usage, out);
        }
        if !partial.calls.is_empty() {
            let own = if said.is_empty() { usage } else { Usage::default() };
            self.end_calls(now, &partial.calls, status, own, out);
        } else if let Some(mut calls) = self.calls.take() {
            settle(&mut calls.step, status, now, self.run.last_error.as_ref());
            out.changes.push(self.write_call_step(&mut calls));
            out.show(step_event(status), &calls.step);
        }
    }

    fn announce_message(&mut self) -> Vec<Frame> {
        let message_id = ids::new("msg_");
        let details = StepDetails::MessageCreation(MessageCreation {
            message_creation: MessageReference { message_id: message_id.clone() },
        });
        let step = self.new_step(self.call_began, "message_creation", details);
        let message = Message {
            id: message_id,
            object: "thread.message".to_owned(),
            created_at: self.call_began,
            assistant_id: Some(self.run.assistant_id.clone()),
            thread_id: self.run.thread_id.clone(),
            run_id: Some(self.run.id.clone()),
            status: Some("in_progress".to_owned()),
            incomplete_details: Some(None),
            incomplete_at: Some(None),
            completed_at: Some(None),
            role: Role::Assistant,
            content: Vec::new(),
            attachments: Vec::new(),
            metadata: Metadata::new(),
            extra: Extra::new(),
        };
        let frames = vec![
            frame("thread.run.step.created", &step),
            frame("thread.run.step.in_progress", &step),
            frame("thread.message.created", &message),
            frame("thread.message.in_progress", &message),
        ];
        self.message = Some(Announced { step, message, spoken: false });
        frames
    }

    fn new_step(&self, created_at: i64, kind: &str, details: StepDetails) -> RunStep {
        RunStep {
            id: ids::new("step_"),
            object: "thread.run.step".to_owned(),
            created_at,
            run_id: self.run.id.clone(),
            assistant_id: self.run.assistant_id.clone(),
            thread_id: self.run.thread_id.clone(),
            kind: kind.to_owned(),
            status: StepStatus::InProgress,
            cancelled_at: None,
            completed_at: None,
            expires_at: None,
            failed_at: None,
            last_error: None,
            step_details: details,
            usage: None,
            extra: Extra::new(),
        }
    }

    /// Where the run stands after the event.
    fn follow(&mut self, now: i64, turn: &Turn, out: &mut Output) {
        let event = match &turn.phase {
            Phase::Waiting { calls, until, .. } => {
                self.run.status = RunStatus::RequiresAction;
                self.run.expires_at = Some(until / 1000);
                self.run.required_action = Some(required_action(calls));
                "thread.run.requires_action"
            }
            Phase::Stopping => {
                self.run.status = RunStatus::Cancelling;
                self.run.required_action = None;
                "thread.run.cancelling"
            }
            Phase::Ended(end) => self.ended(now, end, turn),
            Phase::New | Phase::Calling { .. } | Phase::Running { .. } => {
                self.run.status = RunStatus::Queued;
                self.run.required_action = None;
                self.run.expires_at = turn.until().map(|until| until / 1000);
                "thread.run.queued"
            }
        };
        out.show(event, &self.run);
        if matches!(turn.phase, Phase::Waiting { .. } | Phase::Ended(_)) && out.heard {
            out.frames.push(done());
        }
        if matches!(turn.phase, Phase::Ended(_)) {
            out.changes.push(Change::Release {
                project: Arc::clone(&self.project),
                name: self.run.thread_id.clone(),
            });
        }
        out.changes.push(self.replace());
    }

    fn ended(&mut self, now: i64, end: &End, turn: &Turn) -> &'static str {
        self.run.required_action = None;
        self.run.usage = Some(wire_usage(turn.usage));
        if *end != End::Expired {
            self.run.expires_at = None;
        }
        match end {
            End::Completed => {
                self.run.status = RunStatus::Completed;
                self.run.completed_at = Some(now);
                "thread.run.completed"
            }
            End::Incomplete(limit) => {
                self.run.status = RunStatus::Incomplete;
                let reason = match limit {
                    Limit::CompletionTokens => "max_completion_tokens",
                    Limit::PromptTokens => "max_prompt_tokens",
                    Limit::ContentFilter => "content_filter",
                };
                self.run.incomplete_details = Some(IncompleteDetails { reason: reason.to_owned() });
                "thread.run.incomplete"
            }
            End::Failed(fault) => {
                self.run.status = RunStatus::Failed;
                self.run.failed_at = Some(now);
                self.run.last_error = Some(last_error(fault));
                "thread.run.failed"
            }
            End::Cancelled => {
                self.run.status = RunStatus::Cancelled;
                self.run.cancelled_at = Some(now);
                "thread.run.cancelled"
            }
            End::Expired => {
                self.run.status = RunStatus::Expired;
                "thread.run.expired"
            }
        }
    }

    fn replace(&mut self) -> Change {
        let if_etag = self.etag;
        self.etag += 1;
        Change::Replace { key: self.key.clone(), if_etag, doc: self.document() }
    }
}

impl Projection for RunProjection {
    fn model_call_began(&mut self, at: Millis, heard: bool) -> Changes {
        let now = at / 1000;
        self.call_began = now;
        self.run.status = RunStatus::InProgress;
        self.run.started_at = Some(now);
        let mut out = Output::new(heard);
        out.changes.push(self.replace());
        out.show("thread.run.in_progress", &self.run);
        out.into_changes()
    }

    fn delta(&mut self, at: Millis, delta: Delta<'_>) -> Vec<Frame> {
        let mut frames = Vec::new();
        match delta {
            // Runs know neither refusals nor reasoning.
            Delta::Reasoning(_) | Delta::ReasoningSummary(_) | Delta::Progress { .. } => {}
            Delta::Text(text) | Delta::Refusal(text) => {
                if self.message.is_none() {
                    frames = self.announce_message();
                }
                if let Some(announced) = &mut self.message {
                    let first = !std::mem::replace(&mut announced.spoken, true);
                    frames
                        .push(frame("thread.message.delta", &text_delta(&announced.message.id, text, first)));
                }
            }
            Delta::CallBegan { index, id, name, .. } => {
                let step_id = match &self.calls {
                    Some(calls) => calls.step.id.clone(),
                    None => {
                        let step = self.new_step(at / 1000, "tool_calls", tool_calls(&[], None));
                        frames.push(frame("thread.run.step.created", &step));
                        frames.push(frame("thread.run.step.in_progress", &step));
                        let id = step.id.clone();
                        self.calls = Some(CallStep { step, etag: 0 });
                        id
                    }
                };
                let function = FunctionCallDelta {
                    name: Some(name.to_owned()),
                    arguments: Some(String::new()),
                    output: Some(None),
                };
                frames.push(call_delta(&step_id, index, Some(id), function));
            }
            Delta::CallArguments { index, text } => {
                if let Some(calls) = &self.calls {
                    let function =
                        FunctionCallDelta { name: None, arguments: Some(text.to_owned()), output: None };
                    frames.push(call_delta(&calls.step.id, index, None, function));
                }
            }
        }
        frames
    }

    fn event(&mut self, at: Millis, event: &Event, turn: &Turn, heard: bool) -> Changes {
        let now = at / 1000;
        let mut out = Output::new(heard);
        match event {
            Event::Accepted { until } => {
                self.accepted(*until, &mut out);
                return out.into_changes();
            }
            Event::Answered { answer, finish, .. } => self.answered(now, answer, *finish, &mut out),
            Event::OutputsSubmitted { outputs, .. } => self.outputs_submitted(now, outputs, turn, &mut out),
            Event::ModelFailed { fault, partial } => {
                self.run.last_error = Some(last_error(fault));
                self.close(now, partial, StepStatus::Failed, "run_failed", &mut out);
            }
            Event::Stopped { partial } => {
                self.close(now, partial, StepStatus::Cancelled, "run_cancelled", &mut out);
            }
            Event::DeadlinePassed { partial } => {
                self.close(now, partial, StepStatus::Expired, "run_expired", &mut out);
            }
            Event::OutOfTokens { .. } | Event::CancelRequested | Event::ToolCompleted { .. } => {}
        }
        self.follow(now, turn, &mut out);
        out.into_changes()
    }

    fn rebase(&mut self, current: &Resource) -> Result<Change, StoreError> {
        let stored: Run = serde_json::from_slice(&current.doc)
            .map_err(|error| StoreError::Backend(format!("{} is damaged: {error}", self.key)))?;
        // Metadata is all that anybody else may change.
        self.run.metadata = stored.metadata;
        self.etag = current.etag;
        Ok(self.replace())
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn document(&self) -> Bytes {
        document(&self.run)
    }
}

/// How a message ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageEnd {
    Completed,
    Incomplete(&'static str),
}

/// Changes and frames as they are collected.
struct Output {
    changes: Vec<Change>,
    frames: Vec<Frame>,
    heard: bool,
}

impl Output {
    fn new(heard: bool) -> Self {
        Self { changes: Vec::with_capacity(5), frames: Vec::new(), heard }
    }

    fn show<T: serde::Serialize>(&mut self, event: &str, object: &T) {
        if self.heard {
            self.frames.push(frame(event, object));
        }
    }

    fn announce(&mut self, frames: Vec<Frame>) {
        if self.heard {
            self.frames.extend(frames);
        }
    }

    fn into_changes(self) -> Changes {
        Changes { changes: self.changes, frames: self.frames }
    }
}
