//! How a turn is shown as a run: its resources, and the frames of its stream, event by event.
//!
//! A step and a message are announced when the model begins to speak and are written down when it has
//! answered; what a crash interrupts was never written down, and is announced anew by the next attempt.

use std::sync::Arc;

use bytes::Bytes;
use cupola_engine::{
    Changes, Delta, Frame, Millis, Projection, ids,
    turn::{Answer, CallOutput, End, Event, Limit, Phase, ServedCall, Turn},
};
use cupola_models::Finish;
use cupola_store::{Change, Key, Resource, StoreError};
use cupola_wire::{
    Extra,
    classic::{IncompleteDetails, Run, RunStatus, RunStep, StepDetails, StepStatus, Usage},
};

use super::{
    include::Include,
    kinds::{MESSAGE, RUN, RUN_STEP},
    shapes::{
        call_delta, image_delta, last_error, required_action, served_call_delta, settle, step_event,
        text_delta, wire_usage,
    },
};
use crate::{
    body::document,
    citations::{Reader, Sources},
    frames::{done, frame},
};

mod approving;
mod calling;
mod writing;

use calling::{CallStep, Spelling};
use writing::{Announced, MessageEnd};

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
    /// What of its steps listeners want to see.
    include: Include,
    /// The calls of the newest answer that the service runs.
    served: Vec<ServedCall>,
    /// Which calls of the answer under way those are.
    own: Vec<usize>,
    /// What can be cited.
    sources: Sources,
    /// Finds citations in the text.
    reader: Reader,
    /// Arguments that are told while the model writes them.
    spellings: Vec<Spelling>,
    /// Pictures that the next message shows.
    figures: Vec<String>,
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
            include: Include::default(),
            served: Vec::new(),
            own: Vec::new(),
            sources: Sources::default(),
            reader: Reader::default(),
            spellings: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// The stream begins with this frame.
    pub fn with_prelude(mut self, frame: Frame) -> Self {
        self.prelude = Some(frame);
        self
    }

    /// Shows this of its steps.
    pub fn with_include(mut self, include: Include) -> Self {
        self.include = include;
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
            aside: None,
        });
        out.frames.extend(self.prelude.take().filter(|_| out.heard));
        out.show("thread.run.created", &self.run);
        out.show("thread.run.queued", &self.run);
    }

    /// What the model has said becomes a message and a step of calls.
    fn answered(
        &mut self,
        now: i64,
        answer: &Answer,
        finish: Finish,
        served: &[ServedCall],
        out: &mut Output,
    ) {
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
            self.write_calls(now, &answer.calls, served, usage, out);
        } else if has_calls {
            // Cut short before the calls were whole: nobody will run them.
            self.end_calls(now, &answer.calls, served, StepStatus::Cancelled, usage, out);
        }
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
        let own = if said.is_empty() { usage } else { Usage::default() };
        if !partial.calls.is_empty() {
            self.end_calls(now, &partial.calls, &[], status, own, out);
        } else if let Some(mut calls) = self.calls.take() {
            calls.step.usage.get_or_insert(own);
            settle(&mut calls.step, status, now, self.run.last_error.as_ref());
            out.changes.push(self.write_call_step(&mut calls));
            out.show(step_event(status), &calls.step);
        }
    }

    fn insert_step(&self, step: &RunStep) -> Change {
        Change::Insert {
            key: Key::new(&self.project, RUN_STEP, step.id.clone()),
            parent: self.run.id.clone(),
            facet: String::new(),
            created_at: step.created_at,
            doc: document(step),
            aside: None,
        }
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
            Phase::Asking { calls, until, .. } => {
                self.run.status = RunStatus::RequiresAction;
                self.run.expires_at = Some(until / 1000);
                self.run.required_action = Some(self.approval_action(calls, turn));
                "thread.run.requires_action"
            }
            // Nobody is told: the run goes on.
            Phase::Running { .. } => return,
            Phase::New | Phase::Calling { .. } => {
                self.run.status = RunStatus::Queued;
                self.run.required_action = None;
                self.run.expires_at = turn.until().map(|until| until / 1000);
                "thread.run.queued"
            }
        };
        out.show(event, &self.run);
        if (turn.is_waiting() || matches!(turn.phase, Phase::Ended(_))) && out.heard {
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
        if self.run.status == RunStatus::InProgress {
            // After calls of tools the run goes on as it was.
            return Changes::default();
        }
        self.run.status = RunStatus::InProgress;
        self.run.started_at = Some(now);
        let mut out = Output::new(heard);
        out.changes.push(self.replace());
        out.show("thread.run.in_progress", &self.run);
        out.into_changes()
    }

    fn delta(&mut self, at: Millis, delta: Delta<'_>) -> Vec<Frame> {
        match delta {
            // Runs know neither refusals nor reasoning.
            Delta::Reasoning(_) | Delta::ReasoningSummary(_) | Delta::Progress { .. } => Vec::new(),
            // A server is shown when it has answered.
            Delta::ListingBegan { .. } => Vec::new(),
            Delta::Text(text) | Delta::Refusal(text) => self.say(text),
            Delta::CallBegan { index, id, name, by } => self.call_began(at / 1000, index, id, name, by),
            Delta::CallArguments { index, text } => self.call_arguments(index, text),
        }
    }

    fn event(&mut self, at: Millis, event: &Event, turn: &Turn, heard: bool) -> Changes {
        let now = at / 1000;
        let mut out = Output::new(heard);
        match event {
            Event::Accepted { until, .. } => {
                self.accepted(*until, &mut out);
                return out.into_changes();
            }
            Event::Answered { answer, finish, served, .. } => {
                self.answered(now, answer, *finish, served, &mut out);
                self.served.clone_from(served);
            }
            Event::ToolCompleted { outcome } => {
                self.tool_completed(now, outcome, turn, &mut out);
                if matches!(turn.phase, Phase::Calling { .. }) {
                    // The run goes on as it was.
                    return out.into_changes();
                }
            }
            Event::FunctionsListed { listing } => {
                self.listed(now, listing, &mut out);
                if listing.fault.is_none() {
                    // The run goes on as it was.
                    return out.into_changes();
                }
            }
            Event::ApprovalsSubmitted { approvals, .. } => {
                if self.approvals_submitted(now, approvals, turn, &mut out) {
                    return out.into_changes();
                }
            }
            Event::OutputsSubmitted { outputs, .. } => self.outputs_submitted(now, outputs, &mut out),
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
            Event::OutOfTokens { .. } | Event::CancelRequested => {}
        }
        self.follow(now, turn, &mut out);
        out.into_changes()
    }

    fn recall(&mut self, _at: Millis, event: &Event, _turn: &Turn) {
        match event {
            Event::Answered { answer, served, .. } => {
                self.served.clone_from(served);
                if !answer.said().is_empty() {
                    // They stand in its message.
                    self.figures.clear();
                }
            }
            Event::ToolCompleted { outcome } => self.learn(outcome),
            _ => {}
        }
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
