//! The driver: performs what the state machine of one turn asks for, and writes down what happened.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cupola_models::{ChatMessage, Fault, ModelRequest, catalog::Resolved};
use cupola_store::{Batch, Change, Commit, StoreError, TurnKey, TurnPhase};
use futures_util::future::Shared;
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use crate::{
    Changes, ClientCalls, ContextError, Dialect, Frame, Millis, Projection, ToolSpec, TurnSpec,
    context::{self, Counter},
    engine::{Command, CommandError, Drain, Given, Inner, Reply, millis},
    line::Place,
    turn::{Action, Answer, CallOutput, Event, Limit, Phase, Refusal, Turn, TurnFault},
};

mod list_functions;
mod listen;
mod listen_in;
mod model_call;
mod pick_up;
mod record;
mod run_tools;
mod toolbox;

use listen::Keeping;
use record::{Patience, Refused};
use toolbox::Toolbox;

pub(crate) use listen::LISTENER_BACKLOG;
pub(crate) use pick_up::{fail_after_panic, pick_up, ready, refuse_all};

/// Pauses between attempts to write, when the store fails.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a change may wait for the next commit.
const WRITE_WITHIN: Duration = Duration::from_millis(10);
/// The pause before a turn goes on whose command could not be written.
const AFTER_UNWRITTEN: Duration = Duration::from_secs(1);

/// Drives one turn.
pub(crate) struct Driver {
    inner: Arc<Inner>,
    key: TurnKey,
    dialect: Arc<dyn Dialect>,
    spec: TurnSpec,
    projection: Box<dyn Projection>,
    turn: Turn,
    position: i64,
    mailbox: mpsc::UnboundedReceiver<Command>,
    draining: watch::Receiver<Drain>,
    listeners: Vec<mpsc::Sender<Frame>>,
    /// Changes that are worth no commit of their own: they go with the next one, or when they are due.
    pending: Batch,
    pending_due: Option<Instant>,
    /// Whether nothing is committed before the end.
    holds_back: bool,
    /// Frames that are still to be kept, where the turn's frames are kept at all.
    keeping: Option<Keeping>,
    /// Who waits for the end.
    ended: Option<oneshot::Sender<Result<Bytes, StoreError>>>,
    /// The turn's place in its line.
    place: Option<Place>,
    /// A model call that was begun before the turn was durable.
    ahead: Option<model_call::Call>,
    /// The functions of the turn's own tools, once they are known.
    toolbox: Option<Toolbox>,
    /// What the history says of the functions of tools, by their place among the turn's tools.
    known: HashMap<usize, Value>,
    /// What was said lately, where a tool goes by that.
    said: Option<Arc<[ChatMessage]>>,
    /// Whether calls of tools were under way when the driver before this one was cut short.
    cut_short: bool,
}

/// What a driver needs to know of its turn.
pub(crate) struct Course {
    /// The dialect that asked for it.
    pub dialect: Arc<dyn Dialect>,
    /// What was asked for.
    pub spec: TurnSpec,
    /// How it is shown.
    pub projection: Box<dyn Projection>,
    /// Its state.
    pub turn: Turn,
    /// Where the next journal entry goes.
    pub position: i64,
    /// How many of its frames are kept.
    pub kept: i64,
    /// Whether calls of tools were under way when the driver before this one was cut short.
    pub cut_short: bool,
}

/// Why a driver stops before its turn is over.
#[derive(Debug)]
pub(crate) enum Leave {
    /// The service is being shut down; recovery goes on from the journal.
    Draining,
    /// The resource that shows the turn was deleted: nobody is interested any more.
    Gone,
    /// Somebody else writes the journal.
    Fenced,
    /// A command could not be written down. Whoever gave it was told; the turn is as it was before.
    Unwritten,
}

/// The journal entry of an event.
pub(crate) fn append(key: &TurnKey, position: i64, at: Millis, event: &Event, after: &Turn) -> Change {
    let phase = match &after.phase {
        Phase::Asking { until, .. } | Phase::Waiting { until, .. } => TurnPhase::Waiting { until: *until },
        Phase::Ended(_) => TurnPhase::Ended,
        Phase::New | Phase::Calling { .. } | Phase::Running { .. } | Phase::Stopping => TurnPhase::Running,
    };
    // Events are plain data with text keys: writing them as JSON can't fail.
    let entry = serde_json::to_vec(event).map(Bytes::from).unwrap_or_default();
    Change::Append { turn: key.clone(), position, at, entry, phase }
}

impl Driver {
    pub fn new(
        inner: Arc<Inner>,
        key: TurnKey,
        course: Course,
        mailbox: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let Course { dialect, spec, projection, turn, position, kept, cut_short } = course;
        let draining = inner.draining.subscribe();
        let keeping = spec.keep_frames.then(|| Keeping::after(kept));
        Self {
            inner,
            key,
            dialect,
            spec,
            projection,
            turn,
            position,
            mailbox,
            draining,
            listeners: Vec::new(),
            pending: Vec::new(),
            pending_due: None,
            holds_back: false,
            keeping,
            ended: None,
            place: None,
            ahead: None,
            toolbox: None,
            known: HashMap::new(),
            said: None,
            cut_short,
        }
    }

    /// Waits in a line before the first model call.
    pub fn stand(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Tells somebody the end.
    pub fn tell_end(&mut self, ended: Option<oneshot::Sender<Result<Bytes, StoreError>>>) {
        self.ended = ended;
    }

    /// Commits nothing before the end, and these changes then, too.
    pub fn hold_back(&mut self, changes: Batch) {
        self.holds_back = true;
        self.pending = changes;
        self.keeping = None;
    }

    /// Drives a turn that is being made durable, once it is.
    pub async fn begin(mut self, commit: Shared<Commit>, frames: Vec<Frame>, action: Action, eager: bool) {
        if eager && action == Action::CallModel {
            self.open_ahead().await;
        }
        if commit.await.is_err() {
            // Whoever asked for the turn is told why.
            return self.leave(&Leave::Gone);
        }
        self.send(frames);
        self.run(action).await;
    }

    /// Performs `action` and what follows from it, until the turn rests.
    pub async fn run(mut self, mut action: Action) {
        loop {
            let next = match action {
                Action::CallModel => self.call_model().await,
                Action::RunTools => self.run_tools().await,
                Action::Stop => self.record(Event::Stopped { partial: Answer::default() }).await,
                Action::AwaitClient | Action::Rest => {
                    self.listeners.clear();
                    match self.inner.retire(&self.key, &mut self.mailbox) {
                        Some(command) => self.obey_at_rest(command, action).await,
                        None => {
                            if action == Action::AwaitClient {
                                self.inner.deadline_changed.notify_one();
                            }
                            return;
                        }
                    }
                }
            };
            match next {
                Ok(next) => action = next,
                Err(leave) => return self.leave(&leave),
            }
        }
    }

    fn leave(mut self, leave: &Leave) {
        tracing::debug!(turn = %self.key, ?leave, "left before the end");
        let inner = Arc::clone(&self.inner);
        let error = match leave {
            Leave::Draining | Leave::Fenced | Leave::Unwritten => || CommandError::Draining,
            Leave::Gone => || CommandError::Unknown,
        };
        refuse_all(&inner, &self.key, &mut self.mailbox, error);
        if matches!(leave, Leave::Unwritten) {
            // What was at work was given up with the command: it is taken up again as the store knows it.
            inner.send_later(self.key, Command::Resume, AFTER_UNWRITTEN);
        }
    }

    /// A command for a turn that waits or is over.
    async fn obey_at_rest(&mut self, command: Command, resting: Action) -> Result<Action, Leave> {
        match command {
            Command::Submit { given, listener, reply } => {
                let event = self.submitted(given);
                if let Err(refusal) = self.turn.clone().apply(&event) {
                    let _ = reply.send(Err(CommandError::Refused(refusal)));
                    return Ok(resting);
                }
                self.listen(listener);
                self.record_for(event, reply).await
            }
            Command::Cancel { reply } => self.cancel(reply, resting).await,
            Command::CheckDeadline if self.is_overdue() => {
                self.record(Event::DeadlinePassed { partial: Answer::default() }).await
            }
            Command::Attach { first, reply } => {
                self.attach(first, reply).await;
                Ok(resting)
            }
            Command::CheckDeadline | Command::Resume => Ok(resting),
        }
    }

    /// What it means that the client has given this.
    fn submitted(&self, given: Given) -> Event {
        let until = self.running_deadline();
        match given {
            Given::Outputs(outputs) => {
                Event::OutputsSubmitted { outputs: self.in_call_order(outputs), until }
            }
            Given::Approvals(approvals) => {
                let waiting_until = self.waiting_deadline();
                Event::ApprovalsSubmitted { approvals, until, waiting_until }
            }
        }
    }

    async fn cancel(&mut self, reply: Reply, otherwise: Action) -> Result<Action, Leave> {
        if let Err(refusal) = self.turn.clone().apply(&Event::CancelRequested) {
            let _ = reply.send(Err(CommandError::Refused(refusal)));
            return Ok(otherwise);
        }
        self.record_for(Event::CancelRequested, reply).await
    }

    /// Outputs in the order of the calls; what fits no call stays, and is refused by the state machine.
    fn in_call_order(&self, mut outputs: Vec<CallOutput>) -> Vec<CallOutput> {
        if let Phase::Waiting { calls, .. } = &self.turn.phase {
            let place = |output: &CallOutput| calls.iter().position(|call| call.id == output.call_id);
            outputs.sort_by_key(|output| place(output).unwrap_or(usize::MAX));
        }
        outputs
    }

    fn running_deadline(&self) -> Millis {
        self.inner.clock.now() + millis(self.inner.settings.expires_after)
    }

    /// Until when the client is waited for; `None` where its calls are handed over.
    fn waiting_deadline(&self) -> Option<Millis> {
        match self.spec.client_calls {
            ClientCalls::Wait => {
                Some(self.inner.clock.now() + millis(self.inner.settings.waiting_expires_after))
            }
            ClientCalls::HandOver => None,
        }
    }

    fn is_overdue(&self) -> bool {
        self.turn.until().is_some_and(|until| until <= self.inner.clock.now())
    }
}
