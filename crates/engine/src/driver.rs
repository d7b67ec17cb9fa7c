//! The driver: performs what the state machine of one turn asks for, and writes down what happened.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cupola_models::{ChatMessage, Fault, ModelRequest, catalog::Resolved};
use cupola_store::{Batch, Change, Conflict, StoreError, TurnKey, TurnPhase};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use crate::{
    Changes, ContextError, Dialect, Frame, Millis, Projection, ToolSpec, TurnSpec,
    context::{self, Counter},
    engine::{Command, CommandError, Drain, Inner, Reply, millis},
    line::Place,
    turn::{Action, Answer, CallOutput, Event, Limit, Phase, Refusal, Turn, TurnFault},
};

mod listen;
mod model_call;

use listen::Keeping;
pub(crate) use listen::LISTENER_BACKLOG;

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

/// How often a commit is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Once,
    Endless,
}

/// Why an event was not written down.
enum Refused {
    Leave(Leave),
    Store(StoreError),
}

impl From<Leave> for Refused {
    fn from(leave: Leave) -> Self {
        Self::Leave(leave)
    }
}

/// The journal entry of an event.
pub(crate) fn append(key: &TurnKey, position: i64, at: Millis, event: &Event, after: &Turn) -> Change {
    let phase = match &after.phase {
        Phase::Waiting { until, .. } => TurnPhase::Waiting { until: *until },
        Phase::Ended(_) => TurnPhase::Ended,
        Phase::New | Phase::Calling { .. } | Phase::Stopping => TurnPhase::Running,
    };
    // Events are plain data with text keys: writing them as JSON can't fail.
    let entry = serde_json::to_vec(event).map(Bytes::from).unwrap_or_default();
    Change::Append { turn: key.clone(), position, at, entry, phase }
}

/// Goes on with a turn that nobody drives.
pub(crate) async fn pick_up(inner: Arc<Inner>, key: TurnKey, mut mailbox: mpsc::UnboundedReceiver<Command>) {
    match load(&inner, &key).await {
        Ok(Some((course, action))) => {
            let line = course.spec.line.clone().filter(|_| action != Action::Rest);
            let place = line.map(|line| inner.lines.stand(line));
            let mut driver = Driver::new(inner, key, course, mailbox);
            driver.stand(place);
            driver.run(action).await;
        }
        Ok(None) => refuse_all(&inner, &key, &mut mailbox, || CommandError::Unknown),
        Err(LoadError::Store(error)) => {
            tracing::error!(turn = %key, %error, "a turn could not be read; trying again");
            refuse_all(&inner, &key, &mut mailbox, || CommandError::Store(error.clone()));
            inner.send_later(key, Command::Resume, LONGEST_PAUSE);
        }
        Err(LoadError::Damaged(what)) => {
            tracing::error!(turn = %key, %what, "a turn is damaged; it stays where it is");
            let error = StoreError::Backend(format!("the turn {key} is damaged: {what}"));
            refuse_all(&inner, &key, &mut mailbox, || CommandError::Store(error.clone()));
        }
    }
}

/// Why a turn could not be taken up.
enum LoadError {
    /// The store failed; another time it may not.
    Store(StoreError),
    /// What is stored makes no sense.
    Damaged(String),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Ends a turn whose driver panicked.
pub(crate) async fn fail_after_panic(inner: Arc<Inner>, key: TurnKey) {
    let mailbox = inner.register(&key);
    if let Ok(Some((course, _))) = load(&inner, &key).await {
        let mut driver = Driver::new(inner, key, course, mailbox);
        let message = "The service failed while it drove this turn. Its log says more.".to_owned();
        let fault = TurnFault { code: "server_error".to_owned(), message };
        let event = match driver.turn.phase {
            Phase::Calling { .. } => Event::ModelFailed { fault, partial: Answer::default() },
            Phase::Stopping => Event::Stopped { partial: Answer::default() },
            Phase::New | Phase::Waiting { .. } | Phase::Ended(_) => return driver.leave(&Leave::Gone),
        };
        match driver.record(event).await {
            Ok(action) => driver.run(action).await,
            Err(leave) => driver.leave(&leave),
        }
    }
}

/// Ends a driver, and refuses what it was still asked for.
pub(crate) fn refuse_all(
    inner: &Inner,
    key: &TurnKey,
    mailbox: &mut mpsc::UnboundedReceiver<Command>,
    error: impl Fn() -> CommandError,
) {
    while let Some(command) = inner.retire(key, mailbox) {
        match command {
            Command::Submit { reply, .. } | Command::Cancel { reply } => {
                let _ = reply.send(Err(error()));
            }
            Command::Attach { reply, .. } => {
                let _ = reply.send(Err(error()));
            }
            Command::Resume | Command::CheckDeadline => {}
        }
    }
}

async fn load(inner: &Inner, key: &TurnKey) -> Result<Option<(Course, Action)>, LoadError> {
    let Some(record) = inner.store.turn(key).await? else {
        return Ok(None);
    };
    let Some(dialect) = inner.dialects.get(record.dialect.as_str()) else {
        return Err(LoadError::Damaged(format!("no dialect '{}' is served here", record.dialect)));
    };
    let Some(resumed) = dialect.resume(key).await? else {
        return Ok(None);
    };
    let events = record
        .journal
        .iter()
        .map(|entry| {
            serde_json::from_slice::<Event>(&entry.entry).map_err(|e| LoadError::Damaged(e.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (turn, action) =
        Turn::replay(&events).map_err(|refusal| LoadError::Damaged(format!("{refusal:?}")))?;
    let course = Course {
        dialect: Arc::clone(dialect),
        spec: resumed.spec,
        projection: resumed.projection,
        turn,
        position: events.len() as i64,
        kept: resumed.kept,
    };
    Ok(Some((course, action)))
}

impl Driver {
    pub fn new(
        inner: Arc<Inner>,
        key: TurnKey,
        course: Course,
        mailbox: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let Course { dialect, spec, projection, turn, position, kept } = course;
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

    /// Makes the turn durable, tells whoever asked for it, and drives it.
    pub async fn begin(
        mut self,
        changes: Batch,
        frames: Vec<Frame>,
        action: Action,
        eager: bool,
        accepted: oneshot::Sender<Result<(), StoreError>>,
    ) {
        let commit = self.inner.store.submit(changes);
        if eager && action == Action::CallModel {
            self.open_ahead().await;
        }
        if let Err(error) = commit.await {
            let _ = accepted.send(Err(error));
            return self.leave(&Leave::Gone);
        }
        self.send(frames);
        let _ = accepted.send(Ok(()));
        self.run(action).await;
    }

    /// Performs `action` and what follows from it, until the turn rests.
    pub async fn run(mut self, mut action: Action) {
        loop {
            let next = match action {
                Action::CallModel => self.call_model().await,
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
            Command::Submit { outputs, listener, reply } => {
                let until = self.running_deadline();
                let outputs = self.in_call_order(outputs);
                let event = Event::OutputsSubmitted { outputs, until };
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

    fn is_overdue(&self) -> bool {
        self.turn.until().is_some_and(|until| until <= self.inner.clock.now())
    }

    /// Records an event and answers whoever asked for it. Unlike what happened by itself, a command is tried
    /// once: who gave it waits, and can give it again.
    async fn record_for(&mut self, event: Event, reply: Reply) -> Result<Action, Leave> {
        match self.record_with(event, Patience::Once).await {
            Ok(action) => {
                let _ = reply.send(Ok(self.projection.document()));
                Ok(action)
            }
            Err(Refused::Store(error)) => {
                let _ = reply.send(Err(CommandError::Store(error)));
                Err(Leave::Unwritten)
            }
            Err(Refused::Leave(leave)) => {
                let error =
                    if matches!(leave, Leave::Gone) { CommandError::Unknown } else { CommandError::Draining };
                let _ = reply.send(Err(error));
                Err(leave)
            }
        }
    }

    /// Writes an event down, whatever it takes.
    async fn record(&mut self, event: Event) -> Result<Action, Leave> {
        match self.record_with(event, Patience::Endless).await {
            Ok(action) => Ok(action),
            Err(Refused::Leave(leave)) => Err(leave),
            Err(Refused::Store(_)) => Err(Leave::Unwritten),
        }
    }

    /// Writes an event down together with what it changes, then tells whoever listens.
    async fn record_with(&mut self, event: Event, patience: Patience) -> Result<Action, Refused> {
        let at = self.inner.clock.now();
        let action = match self.turn.apply(&event) {
            Ok(action) => action,
            Err(refusal) => {
                // Every caller has checked; if one has not, the turn must still not hang.
                tracing::error!(turn = %self.key, ?event, ?refusal, "an event out of place was dropped");
                return Ok(Action::Rest);
            }
        };
        let Changes { changes: caused, frames } =
            self.projection.event(at, &event, &self.turn, self.is_heard());
        let has_ended = matches!(self.turn.phase, Phase::Ended(_));
        if self.holds_back {
            self.pending.extend(caused);
            if has_ended {
                self.write_held_back().await?;
            }
            self.send(frames);
        } else {
            let mut changes = self.take_pending();
            changes.extend(caused);
            changes.push(append(&self.key, self.position, at, &event, &self.turn));
            let frames = self.keep(frames, &mut changes);
            self.commit(changes, patience).await?;
            self.position += 1;
            self.send(frames);
        }
        if has_ended {
            self.place = None;
            if let Some(ended) = self.ended.take() {
                let _ = ended.send(Ok(self.projection.document()));
            }
        }
        Ok(action)
    }

    /// Commits everything at the end. Nobody was told that the turn was accepted, so a failure is told
    /// instead of being tried again.
    async fn write_held_back(&mut self) -> Result<(), Leave> {
        let changes = self.take_pending();
        if changes.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.inner.store.submit(changes).await {
            tracing::warn!(turn = %self.key, %error, "a turn could not be written at its end");
            if let Some(ended) = self.ended.take() {
                let _ = ended.send(Err(error));
            }
            return Err(Leave::Gone);
        }
        Ok(())
    }

    /// Commits. A turn that was accepted is not lost because a disk is full: what happened to it is written
    /// as soon as it can be.
    async fn commit(&mut self, mut batch: Batch, patience: Patience) -> Result<(), Refused> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.inner.store.submit(batch.clone()).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict(Conflict::Changed(key))) if &key == self.projection.key() => {
                    self.rebase(&mut batch).await?;
                }
                Err(StoreError::Conflict(Conflict::Journal(_))) => return Err(Leave::Fenced.into()),
                Err(StoreError::Conflict(conflict)) => {
                    tracing::info!(turn = %self.key, %conflict, "the turn's resources are gone");
                    return Err(Leave::Gone.into());
                }
                Err(error) if patience == Patience::Once => return Err(Refused::Store(error)),
                Err(error) => {
                    tracing::error!(turn = %self.key, %error, ?pause, "an event could not be written; trying again");
                    self.pause(pause).await?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Lets changes wait for the next commit, but not for long.
    fn write_soon(&mut self, changes: Batch) {
        if !changes.is_empty() {
            self.pending.extend(changes);
            self.due_soon();
        }
    }

    fn due_soon(&mut self) {
        if !self.holds_back {
            self.pending_due.get_or_insert_with(|| Instant::now() + WRITE_WITHIN);
        }
    }

    fn take_pending(&mut self) -> Batch {
        self.pending_due = None;
        std::mem::take(&mut self.pending)
    }

    /// Writes the changes that wait. Not waited for: what follows is committed after it, and conflicts are
    /// settled there.
    fn write_pending(&mut self) {
        let changes = self.take_pending();
        if !changes.is_empty() {
            drop(self.inner.store.submit(changes));
        }
    }

    /// Takes over what somebody else changed in the resource that shows the turn.
    async fn rebase(&mut self, batch: &mut Batch) -> Result<(), Leave> {
        let current = match self.inner.store.get(self.projection.key()).await {
            Ok(Some(current)) => current,
            Ok(None) => return Err(Leave::Gone),
            Err(error) => {
                tracing::error!(turn = %self.key, %error, "the turn's resource could not be read; trying again");
                return self.pause(FIRST_PAUSE).await;
            }
        };
        let rebased = self.projection.rebase(&current).map_err(|error| {
            tracing::error!(turn = %self.key, %error, "the turn's resource is damaged");
            Leave::Gone
        })?;
        let key = self.projection.key();
        // Of several versions of the resource only the last one counts.
        let is_version =
            |change: &Change| matches!(change, Change::Replace { key: replaced, .. } if replaced == key);
        let last = batch.iter().rposition(is_version);
        let mut place = 0;
        batch.retain_mut(|change| {
            let here = place;
            place += 1;
            if Some(here) == last {
                *change = rebased.clone();
            }
            Some(here) == last || !is_version(change)
        });
        Ok(())
    }

    async fn pause(&mut self, pause: Duration) -> Result<(), Leave> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            _ = self.draining.wait_for(|drain| *drain == Drain::LeaveRunning) => Err(Leave::Draining),
        }
    }
}
