//! The state machine of a turn.
//!
//! ```text
//!           ┌─────────────────── OutputsSubmitted ──────────────────┐
//!           │         ┌── ToolCompleted, the last ──┐               │
//!           ▼         ▼                             │               │
//! Accepted → Calling ── Answered, with served calls → Running ──→ Waiting
//!    │         │ │ │                                │   ▲ └─────→ Asking
//!    │         │ │ │                                │   └── ApprovalsSubmitted
//!    └─ with calls that were approved ─────────────→ │               │
//!              │ │ └─── Answered, with calls of the client ───────→ │
//!              │ └───── Answered ──────→ Ended      │               │
//!              ├─────── ModelFailed ───→ Ended ←────┤               │
//!              ├─────── DeadlinePassed → Ended ←────┼───────────────┤
//!              └─────── CancelRequested → Stopping ←┴───────────────┘
//!                                          └─ Stopped → Ended
//! ```
//!
//! An answer may ask for calls of several kinds. Those that the service runs come first, all at once. Then the
//! client is asked whether the service may make those that need its approval, and then it has its own: each
//! time the turn waits for it, or is over where calls are handed over.
//!
//! A turn may begin with calls that were asked for in an earlier one and are approved now: they are made before
//! the model is called.
//!
//! [`Turn::apply`] takes an event and the time at which it happened and says what to do next. It does no
//! IO, reads no clock and draws no random numbers; so the events, written down in order, are the journal,
//! and folding them gives the same state again.

mod event;

use cupola_models::{ChatMessage, Finish, ModelUsage, RequestedCall};
use serde::{Deserialize, Serialize};

use crate::Millis;

pub use event::{Answer, Approval, ApprovedCall, CallOutcome, CallOutput, Event, Listing, ServedCall};

/// The state of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Where it stands.
    pub phase: Phase,
    /// What it has added to the conversation: answers and outputs of calls.
    pub transcript: Vec<ChatMessage>,
    /// Tokens of all its model calls.
    pub usage: ModelUsage,
    /// How many times the model has answered.
    pub answers: u32,
    /// How many of these answers asked for calls that the service runs.
    pub tool_rounds: u32,
    /// How many such calls were made.
    pub tool_calls: u64,
    /// What tools listed before the model was called.
    pub listings: Vec<Listing>,
}

/// Where a turn stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Not begun: nothing has been written down yet.
    New,
    /// The model is to be called, or is being called.
    Calling {
        /// When the turn has run long enough.
        until: Millis,
    },
    /// The service runs calls of tools.
    Running {
        /// Those that it runs, in the order in which the model asked for them.
        served: Vec<ServedCall>,
        /// What those of the answer that are done have told the model.
        done: Vec<CallOutput>,
        /// Those that it runs after that, where the client approves them.
        to_approve: Vec<ServedCall>,
        /// When the turn has run long enough.
        until: Millis,
        /// When the turn has waited long enough for the client to answer the other calls of the answer.
        waiting_until: Option<Millis>,
    },
    /// The client is to say whether the service may make these calls.
    Asking {
        /// The calls, in the order in which the model asked for them.
        calls: Vec<ServedCall>,
        /// What other calls of the same answer have told the model.
        done: Vec<CallOutput>,
        /// When it has waited long enough.
        until: Millis,
    },
    /// The client is to answer these calls.
    Waiting {
        /// The calls, in the order in which the model asked for them.
        calls: Vec<RequestedCall>,
        /// What the service's own calls of the same answer have told the model.
        done: Vec<CallOutput>,
        /// When it has waited long enough.
        until: Millis,
    },
    /// Asked to stop; what is at work is being stopped.
    Stopping,
    /// Over.
    Ended(End),
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The model was done.
    Completed,
    /// A limit cut it short.
    Incomplete(Limit),
    /// A fault ended it.
    Failed(TurnFault),
    /// The client stopped it.
    Cancelled,
    /// It ran out of time.
    Expired,
}

/// A limit that cuts a turn short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The model wrote as many tokens as it may.
    CompletionTokens,
    /// The prompt does not fit into the tokens that it may have.
    PromptTokens,
    /// The upstream withheld the rest.
    ContentFilter,
}

/// Why a turn, or a call of a tool, failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnFault {
    /// A word for programs; `cupola explain` has a page for it.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Call the model and report its answer.
    CallModel,
    /// Run those calls of [`Phase::Running`] that are not done, and report each that is.
    RunTools,
    /// Wait for the client, until the time in [`Phase::Asking`] or [`Phase::Waiting`].
    AwaitClient,
    /// Stop what is at work and report that it has stopped.
    Stop,
    /// Nothing: the turn is over.
    Rest,
}

/// Why an event does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Outputs or approvals for a turn that does not wait for any.
    NotWaiting,
    /// Outputs or approvals for other calls than the ones that wait.
    WrongCalls {
        /// The calls that wait.
        expected: Vec<String>,
        /// The calls that were answered.
        got: Vec<String>,
    },
    /// A stop for a turn that is over, or is being stopped.
    NothingToStop,
    /// An event that makes no sense here; a defect of the driver.
    OutOfPlace,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            phase: Phase::New,
            transcript: Vec::new(),
            usage: ModelUsage::default(),
            answers: 0,
            tool_rounds: 0,
            tool_calls: 0,
            listings: Vec::new(),
        }
    }
}

impl Turn {
    /// The state that these events lead to, and what to do next. Each event is shown with the state after it.
    pub fn replay<'e>(
        events: impl IntoIterator<Item = &'e Event>,
        mut show: impl FnMut(&'e Event, &Self),
    ) -> Result<(Self, Action), Refusal> {
        let mut turn = Self::default();
        let mut action = Action::Rest;
        for event in events {
            action = turn.apply(event)?;
            show(event, &turn);
        }
        Ok((turn, action))
    }

    /// Takes an event and says what to do next. A refused event changes nothing.
    pub fn apply(&mut self, event: &Event) -> Result<Action, Refusal> {
        let calling = matches!(self.phase, Phase::Calling { .. });
        let at_work = calling || matches!(self.phase, Phase::Running { .. });
        match event {
            Event::Accepted { until, approved } if self.phase == Phase::New => {
                Ok(self.accepted(*until, approved))
            }
            Event::FunctionsListed { listing } if calling => Ok(self.listed(listing)),
            Event::Answered { answer, finish, until, served } if calling => {
                Ok(self.answered(answer, *finish, *until, served))
            }
            Event::ToolCompleted { outcome } => self.tool_completed(outcome),
            Event::OutOfTokens { limit } if calling => Ok(self.end(End::Incomplete(*limit))),
            Event::ModelFailed { fault, partial } if at_work => {
                self.spend(partial.usage);
                Ok(self.end(End::Failed(fault.clone())))
            }
            Event::ApprovalsSubmitted { approvals, until, waiting_until } => {
                self.approvals_submitted(approvals, *until, *waiting_until)
            }
            Event::OutputsSubmitted { outputs, until } => self.outputs_submitted(outputs, *until),
            Event::CancelRequested if at_work || self.is_waiting() => {
                self.phase = Phase::Stopping;
                Ok(Action::Stop)
            }
            Event::CancelRequested => Err(Refusal::NothingToStop),
            Event::Stopped { partial } if self.phase == Phase::Stopping => {
                self.spend(partial.usage);
                Ok(self.end(End::Cancelled))
            }
            Event::DeadlinePassed { partial } if at_work || self.is_waiting() => {
                self.spend(partial.usage);
                Ok(self.end(End::Expired))
            }
            _ => Err(Refusal::OutOfPlace),
        }
    }

    fn accepted(&mut self, until: Millis, approved: &[ApprovedCall]) -> Action {
        if approved.is_empty() {
            self.phase = Phase::Calling { until };
            return Action::CallModel;
        }
        // To the model it is as if it had asked for them just now.
        let calls = approved.iter().map(|call| call.asked.clone()).collect();
        self.transcript.push(ChatMessage::Assistant { text: String::new(), calls });
        self.tool_rounds += 1;
        let served = approved.iter().map(|call| call.call.clone()).collect();
        self.run(served, Vec::new(), Vec::new(), until, None)
    }

    fn listed(&mut self, listing: &Listing) -> Action {
        self.listings.push(listing.clone());
        match &listing.fault {
            Some(fault) => self.end(End::Failed(fault.clone())),
            None => Action::CallModel,
        }
    }

    fn answered(
        &mut self,
        answer: &Answer,
        finish: Finish,
        waiting_until: Option<Millis>,
        served: &[ServedCall],
    ) -> Action {
        self.spend(answer.usage);
        self.answers += 1;
        self.transcript
            .push(ChatMessage::Assistant { text: answer.said().into_owned(), calls: answer.calls.clone() });
        match finish {
            Finish::Length => self.end(End::Incomplete(Limit::CompletionTokens)),
            Finish::ContentFilter => self.end(End::Incomplete(Limit::ContentFilter)),
            // Some servers say `stop` where they ask for calls: the calls decide.
            Finish::Stop | Finish::ToolCalls if served.is_empty() => {
                self.hand_to_client(answer.calls.clone(), Vec::new(), waiting_until)
            }
            Finish::Stop | Finish::ToolCalls => {
                self.tool_rounds += 1;
                let until = self.until().unwrap_or_default();
                let (to_approve, at_once) = served.iter().cloned().partition(|call| call.needs_approval);
                self.run(at_once, Vec::new(), to_approve, until, waiting_until)
            }
        }
    }

    /// Runs calls, or goes on where there are none.
    fn run(
        &mut self,
        served: Vec<ServedCall>,
        done: Vec<CallOutput>,
        to_approve: Vec<ServedCall>,
        until: Millis,
        waiting_until: Option<Millis>,
    ) -> Action {
        if served.is_empty() {
            return self.go_on(done, to_approve, until, waiting_until);
        }
        self.tool_calls += served.len() as u64;
        self.phase = Phase::Running { served, done, to_approve, until, waiting_until };
        Action::RunTools
    }

    /// Goes on with an answer of which these calls are done.
    fn go_on(
        &mut self,
        done: Vec<CallOutput>,
        to_approve: Vec<ServedCall>,
        until: Millis,
        waiting_until: Option<Millis>,
    ) -> Action {
        if !to_approve.is_empty() {
            return self.ask(to_approve, done, waiting_until);
        }
        let is_open = |call: &&RequestedCall| !done.iter().any(|output| output.call_id == call.id);
        let others: Vec<_> = self.asked_last().iter().filter(is_open).cloned().collect();
        if !others.is_empty() {
            return self.hand_to_client(others, done, waiting_until);
        }
        self.take_outputs(&done);
        self.phase = Phase::Calling { until };
        Action::CallModel
    }

    /// Asks the client whether calls may be made.
    fn ask(
        &mut self,
        calls: Vec<ServedCall>,
        done: Vec<CallOutput>,
        waiting_until: Option<Millis>,
    ) -> Action {
        match waiting_until {
            Some(until) => {
                self.phase = Phase::Asking { calls, done, until };
                Action::AwaitClient
            }
            None => self.end(End::Completed),
        }
    }

    /// What becomes of the calls that the client runs.
    fn hand_to_client(
        &mut self,
        calls: Vec<RequestedCall>,
        done: Vec<CallOutput>,
        waiting_until: Option<Millis>,
    ) -> Action {
        match waiting_until {
            Some(until) if !calls.is_empty() => {
                self.phase = Phase::Waiting { calls, done, until };
                Action::AwaitClient
            }
            _ => self.end(End::Completed),
        }
    }

    fn tool_completed(&mut self, outcome: &CallOutcome) -> Result<Action, Refusal> {
        let Phase::Running { served, done, .. } = &mut self.phase else {
            return Err(Refusal::OutOfPlace);
        };
        let is_done = |done: &[CallOutput], id: &str| done.iter().any(|output| output.call_id == id);
        let is_open =
            served.iter().any(|call| call.call_id == outcome.call_id) && !is_done(done, &outcome.call_id);
        if !is_open {
            return Err(Refusal::OutOfPlace);
        }
        done.push(CallOutput { call_id: outcome.call_id.clone(), output: outcome.output.clone() });
        let are_done = served.iter().all(|call| is_done(done, &call.call_id));
        self.spend(outcome.usage);
        match &mut self.phase {
            Phase::Running { done, to_approve, until, waiting_until, .. } if are_done => {
                let (done, to_approve) = (std::mem::take(done), std::mem::take(to_approve));
                let (until, waiting_until) = (*until, *waiting_until);
                Ok(self.go_on(done, to_approve, until, waiting_until))
            }
            _ => Ok(Action::RunTools),
        }
    }

    fn approvals_submitted(
        &mut self,
        approvals: &[Approval],
        until: Millis,
        waiting_until: Option<Millis>,
    ) -> Result<Action, Refusal> {
        let Phase::Asking { calls, done, .. } = &mut self.phase else {
            return Err(Refusal::NotWaiting);
        };
        let asked: Vec<_> = calls.iter().map(|call| call.call_id.as_str()).collect();
        let given: Vec<_> = approvals.iter().map(|approval| approval.call_id.as_str()).collect();
        check_answers(&asked, &given)?;
        let mut done = std::mem::take(done);
        let mut approved = Vec::new();
        for mut call in std::mem::take(calls) {
            let approval = approvals.iter().find(|approval| approval.call_id == call.call_id);
            let Some(approval) = approval else { continue };
            if approval.approve {
                call.needs_approval = false;
                call.grant = approval.grant.clone();
                approved.push(call);
            } else {
                done.push(CallOutput { output: approval.denial(), call_id: call.call_id });
            }
        }
        Ok(self.run(approved, done, Vec::new(), until, waiting_until))
    }

    fn outputs_submitted(&mut self, outputs: &[CallOutput], until: Millis) -> Result<Action, Refusal> {
        let Phase::Waiting { calls, done, .. } = &mut self.phase else {
            return Err(Refusal::NotWaiting);
        };
        let asked: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
        let given: Vec<_> = outputs.iter().map(|output| output.call_id.as_str()).collect();
        check_answers(&asked, &given)?;
        let mut all = std::mem::take(done);
        all.extend_from_slice(outputs);
        self.take_outputs(&all);
        self.phase = Phase::Calling { until };
        Ok(Action::CallModel)
    }

    /// Adds the outputs of the newest answer's calls to the transcript, in the order of the calls.
    fn take_outputs(&mut self, outputs: &[CallOutput]) {
        let calls = self.asked_last().iter();
        let in_order = calls.filter_map(|call| outputs.iter().find(|output| output.call_id == call.id));
        let messages: Vec<_> = in_order
            .map(|o| ChatMessage::Tool { call_id: o.call_id.clone(), output: o.output.clone() })
            .collect();
        self.transcript.extend(messages);
    }

    /// The calls of the newest answer, whoever runs them.
    pub fn asked_last(&self) -> &[RequestedCall] {
        let answers = self.transcript.iter().rev();
        let mut calls = answers.filter_map(|message| match message {
            ChatMessage::Assistant { calls, .. } => Some(calls.as_slice()),
            _ => None,
        });
        calls.next().unwrap_or_default()
    }

    fn spend(&mut self, usage: ModelUsage) {
        // Upstreams count, and may count nonsense.
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.usage.prompt_tokens, usage.prompt_tokens);
        add(&mut self.usage.completion_tokens, usage.completion_tokens);
        add(&mut self.usage.cached_tokens, usage.cached_tokens);
        add(&mut self.usage.reasoning_tokens, usage.reasoning_tokens);
    }

    fn end(&mut self, end: End) -> Action {
        self.phase = Phase::Ended(end);
        Action::Rest
    }

    /// When the turn has run, or waited, long enough.
    pub fn until(&self) -> Option<Millis> {
        match self.phase {
            Phase::Calling { until }
            | Phase::Running { until, .. }
            | Phase::Asking { until, .. }
            | Phase::Waiting { until, .. } => Some(until),
            Phase::New | Phase::Stopping | Phase::Ended(_) => None,
        }
    }

    /// Whether it is the client's turn.
    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Asking { .. } | Phase::Waiting { .. })
    }
}

/// Refuses answers that are not exactly one for each of the calls.
fn check_answers(asked: &[&str], given: &[&str]) -> Result<(), Refusal> {
    let is_answered = |call: &&str| given.iter().filter(|id| *id == call).count() == 1;
    if given.len() == asked.len() && asked.iter().all(is_answered) {
        return Ok(());
    }
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Err(Refusal::WrongCalls { expected: owned(asked), got: owned(given) })
}
