//! The engine: takes turns on, hands commands to whoever drives a turn, and picks up what a crash left.

use std::{
    collections::HashMap,
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use cupola_models::{Catalog, Fault, catalog::Resolved};
use cupola_store::{Batch, Change, SharedStore, StoreError, TurnKey};
use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

use crate::{
    Clock, Dialect, Frame, Millis, Projection, TurnSpec,
    deadlines::watch_deadlines,
    driver::{self, Course, Driver},
    driving::Driving,
    line::Lines,
    tools::Tools,
    turn::{Approval, CallOutput, Event, Refusal, Turn},
};

/// Frames of one turn, in order. The stream ends when the turn waits for its client or is over.
pub type Frames = mpsc::Receiver<Frame>;

/// Finds out who answers for a deployment.
pub trait Deployments: Send + Sync {
    /// The provider and its model, or a fault that lists the deployments that exist.
    fn resolve(&self, deployment: &str) -> Result<Resolved, Fault>;
}

impl Deployments for Catalog {
    fn resolve(&self, deployment: &str) -> Result<Resolved, Fault> {
        Self::resolve(self, deployment)
    }
}

/// How long turns may take, and how many may call a model at once.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A turn that runs longer than this expires.
    pub expires_after: Duration,
    /// A turn that waits for its client longer than this expires.
    pub waiting_expires_after: Duration,
    /// Model calls at once; the others queue.
    pub max_concurrent: usize,
    /// A turn fails in which the model asks for tools more often than this: it would never end.
    pub max_tool_rounds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            expires_after: Duration::from_secs(10 * 60),
            waiting_expires_after: Duration::from_secs(10 * 60 * 60),
            max_concurrent: 1024,
            max_tool_rounds: 64,
        }
    }
}

/// A turn to take on.
pub struct Begin {
    /// Its key: the id is that of the resource that shows it.
    pub key: TurnKey,
    /// The dialect that asks for it.
    pub dialect: Arc<dyn Dialect>,
    /// What is asked for.
    pub spec: TurnSpec,
    /// How it is shown.
    pub projection: Box<dyn Projection>,
    /// What is committed together with it.
    pub changes: Batch,
    /// What the caller wants to hear of it.
    pub listen: Listen,
    /// From when on it has to be durable.
    pub durable: Durable,
    /// Whether the model may be called while the turn is being made durable. Right where its history is
    /// durable already and a conflict is unlikely: a call for a turn that is then refused is wasted.
    pub eager: bool,
}

/// What a caller wants to hear of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nothing.
    No,
    /// Its frames.
    Frames,
    /// The resource that shows it, once the turn is over.
    End,
}

/// From when on a turn has to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// From when it was accepted: the caller is told so, and may go away.
    Accepted,
    /// From when it has ended: the caller waits for that and is told nothing before, so that a turn which
    /// dies with its process was never accepted. It has no journal, and is committed once.
    Ended,
}

/// A turn that was taken on.
#[derive(Debug)]
pub struct Begun {
    /// The resource that shows it, as it is now.
    pub document: Bytes,
    /// Its frames, for [`Listen::Frames`].
    pub frames: Option<Frames>,
    /// Its end, for [`Listen::End`].
    pub end: Option<End>,
}

/// The resource that shows a turn, once the turn is over.
#[derive(Debug)]
pub struct End {
    end: oneshot::Receiver<Result<Bytes, StoreError>>,
    /// The turn itself, where nobody else drives it.
    driving: Option<Driving>,
}

impl End {
    /// Waits for it. Who stops waiting does not stop the turn.
    pub async fn document(self) -> Result<Bytes, BeginError> {
        let Self { mut end, mut driving } = self;
        let told = poll_fn(|cx| {
            if let Poll::Ready(told) = Pin::new(&mut end).poll(cx) {
                return Poll::Ready(told);
            }
            match driving.as_mut().map(|driving| Pin::new(driving).poll(cx)) {
                // Told just now. What a driver tidies up after that, nobody waits for.
                Some(_) => Pin::new(&mut end).poll(cx),
                None => Poll::Pending,
            }
        });
        match told.await {
            Ok(Ok(document)) => Ok(document),
            Ok(Err(error)) => Err(BeginError::Store(error)),
            Err(_) => Err(BeginError::Draining),
        }
    }
}

/// Why a turn was not taken on.
#[derive(Debug)]
pub enum BeginError {
    /// The service is being shut down.
    Draining,
    /// Nothing was written.
    Store(StoreError),
}

/// Why a command was not carried out.
#[derive(Debug)]
pub enum CommandError {
    /// There is no such turn.
    Unknown,
    /// It does not fit the state of the turn.
    Refused(Refusal),
    /// The service is being shut down.
    Draining,
    /// The store failed; nothing was written.
    Store(StoreError),
}

/// What can be asked of a turn.
pub(crate) enum Command {
    /// Go on, if there is anything to do.
    Resume,
    /// What the client was waited for.
    Submit { given: Given, listener: Option<mpsc::Sender<Frame>>, reply: Reply },
    /// Stop.
    Cancel { reply: Reply },
    /// Its time may be over.
    CheckDeadline,
    /// Its frames from this place on: those that were kept, and those that come.
    Attach { first: i64, reply: oneshot::Sender<Result<Frames, CommandError>> },
}

/// What a client gives to a turn that waits for it.
pub(crate) enum Given {
    /// Outputs of its calls.
    Outputs(Vec<CallOutput>),
    /// Whether calls of the service may be made.
    Approvals(Vec<Approval>),
}

/// Where the resource that shows the turn goes once the command is durable.
pub(crate) type Reply = oneshot::Sender<Result<Bytes, CommandError>>;

pub(crate) struct Inner {
    pub store: SharedStore,
    pub deployments: Arc<dyn Deployments>,
    pub dialects: HashMap<&'static str, Arc<dyn Dialect>>,
    pub tools: Tools,
    pub settings: Settings,
    pub clock: Clock,
    pub slots: Arc<Semaphore>,
    pub deadline_changed: Notify,
    pub draining: watch::Sender<Drain>,
    live: Mutex<HashMap<TurnKey, mpsc::UnboundedSender<Command>>>,
    pub emptied: Notify,
    pub lines: Lines,
}

/// How far a shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Drain {
    /// None is asked for.
    No,
    /// No new turns.
    Begun,
    /// What still runs is left where it is, for recovery.
    LeaveRunning,
}

/// The engine. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

impl Engine {
    /// An engine over a store. Call [`Engine::recover`] before the first request is served.
    pub fn new(
        store: SharedStore,
        deployments: Arc<dyn Deployments>,
        dialects: impl IntoIterator<Item = Arc<dyn Dialect>>,
        tools: Tools,
        settings: Settings,
    ) -> Self {
        let inner = Arc::new(Inner {
            store,
            deployments,
            dialects: dialects.into_iter().map(|dialect| (dialect.name(), dialect)).collect(),
            tools,
            settings,
            clock: Clock::default(),
            slots: Arc::new(Semaphore::new(settings.max_concurrent)),
            deadline_changed: Notify::new(),
            draining: watch::Sender::new(Drain::No),
            live: Mutex::default(),
            emptied: Notify::new(),
            lines: Lines::default(),
        });
        tokio::spawn(watch_deadlines(Arc::downgrade(&inner)));
        Self { inner }
    }

    /// The clock that all times come from.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// How long turns may take.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Goes on with the turns that a crash or a shutdown left behind, and says how many there were.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let turns = self.inner.store.running_turns().await?;
        let count = turns.len();
        for turn in turns {
            // One after the other: turns of one line stand in it as they did before.
            let mailbox = self.inner.register(&turn);
            let ready = driver::ready(Arc::clone(&self.inner), turn.clone(), mailbox).await;
            if let Some((driver, action)) = ready {
                self.inner.drive(turn, driver.run(action));
            }
        }
        Ok(count)
    }

    /// Takes a turn on. When this returns it is durable, and on its way.
    pub async fn begin(&self, begin: Begin) -> Result<Begun, BeginError> {
        if self.is_draining() {
            return Err(BeginError::Draining);
        }
        let at = self.inner.clock.now();
        let until = at + millis(self.inner.settings.expires_after);
        let accepted = Event::Accepted { until, approved: begin.spec.approved.clone() };
        let mut turn = Turn::default();
        let action = turn.apply(&accepted).map_err(|refusal| {
            BeginError::Store(StoreError::Backend(format!("a new turn refuses to begin: {refusal:?}")))
        })?;

        let Begin { key, dialect, spec, mut projection, mut changes, listen, durable, eager } = begin;
        let keep_frames = spec.keep_frames && durable == Durable::Accepted;
        let heard = listen == Listen::Frames || keep_frames;
        let shown = projection.event(at, &accepted, &turn, heard);
        changes.extend(shown.changes);
        let place = spec.line.clone().map(|line| self.inner.lines.stand(line));
        if durable == Durable::Accepted {
            changes.push(Change::OpenTurn { turn: key.clone(), dialect: dialect.name() });
            changes.push(driver::append(&key, 0, at, &accepted, &turn));
        }
        if keep_frames {
            let frames = shown.frames.clone();
            changes.push(Change::KeepFrames { turn: key.clone(), first: 0, frames });
        }
        let document = projection.document();
        let (listener, frames) = if listen == Listen::Frames { listener() } else { (None, None) };
        let (ended, end) = match listen {
            Listen::End => Some(oneshot::channel()).unzip(),
            Listen::No | Listen::Frames => (None, None),
        };
        let kept = if keep_frames { shown.frames.len() as i64 } else { 0 };
        // The mailbox is there before the turn can be seen, so that no command finds it without a driver.
        let mailbox = self.inner.register(&key);
        let course = Course { dialect, spec, projection, turn, position: 1, kept, cut_short: false };
        let mut driver = Driver::new(Arc::clone(&self.inner), key.clone(), course, mailbox);
        driver.stand(place);
        driver.listen(listener);
        driver.tell_end(ended);
        if durable == Durable::Ended {
            driver.hold_back(changes);
            driver.send(shown.frames);
            let driving = self.inner.driving(key, driver.run(action));
            let end = match end {
                // Who waits for the end drives the turn there: a task of its own would be one more to wake.
                Some(end) => Some(End { end, driving: Some(driving) }),
                None => {
                    driving.aside();
                    None
                }
            };
            return Ok(Begun { document, frames, end });
        }
        let begun = Begun { document, frames, end: end.map(|end| End { end, driving: None }) };
        // On its way before the driver is: the disk is what takes longest. Nothing is waited for in between,
        // so a caller that goes away can't leave a turn that nobody drives. Both hear of the commit at once.
        let commit = self.inner.store.submit(changes).shared();
        self.inner.drive(key, driver.begin(commit.clone(), shown.frames, action, eager));
        commit.await.map_err(BeginError::Store)?;
        Ok(begun)
    }

    /// The frames of a turn from place `first` on: those that were kept, and those that come.
    pub async fn attach(&self, turn: TurnKey, first: i64) -> Result<Frames, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.inner.send(turn, Command::Attach { first, reply });
        answer.await.unwrap_or(Err(CommandError::Draining))
    }

    /// Gives a waiting turn the outputs of its calls. When this returns they are durable.
    pub async fn submit(
        &self,
        turn: TurnKey,
        outputs: Vec<CallOutput>,
        listen: bool,
    ) -> Result<(Bytes, Option<Frames>), CommandError> {
        self.give(turn, Given::Outputs(outputs), listen).await
    }

    /// Tells a waiting turn which calls may be made. When this returns that is durable.
    pub async fn approve(
        &self,
        turn: TurnKey,
        approvals: Vec<Approval>,
        listen: bool,
    ) -> Result<(Bytes, Option<Frames>), CommandError> {
        self.give(turn, Given::Approvals(approvals), listen).await
    }

    async fn give(
        &self,
        turn: TurnKey,
        given: Given,
        listen: bool,
    ) -> Result<(Bytes, Option<Frames>), CommandError> {
        if self.is_draining() {
            return Err(CommandError::Draining);
        }
        let (listener, frames) = if listen { listener() } else { (None, None) };
        let document = self.inner.ask(turn, |reply| Command::Submit { given, listener, reply }).await?;
        Ok((document, frames))
    }

    /// Asks a turn to stop. When this returns, that is durable.
    pub async fn cancel(&self, turn: TurnKey) -> Result<Bytes, CommandError> {
        self.inner.ask(turn, |reply| Command::Cancel { reply }).await
    }

    /// Whether nothing new is taken on any more.
    pub fn is_draining(&self) -> bool {
        *self.inner.draining.borrow() != Drain::No
    }

    /// Whether what still runs is left where it is: the next process goes on with it.
    pub fn leaves_running(&self) -> bool {
        *self.inner.draining.borrow() == Drain::LeaveRunning
    }

    /// Waits until nothing new is taken on any more.
    pub async fn until_draining(&self) {
        // The engine itself keeps the sender.
        let _ = self.inner.draining.subscribe().wait_for(|drain| *drain != Drain::No).await;
    }

    /// Takes on nothing new, gives what runs `grace` to finish, and leaves the rest for recovery.
    pub async fn drain(&self, grace: Duration) {
        self.inner.draining.send_replace(Drain::Begun);
        if tokio::time::timeout(grace, self.inner.until_idle()).await.is_ok() {
            return;
        }
        let left = self.inner.live().len();
        tracing::info!(
            turns = left,
            "the grace period is over; these turns go on when the service starts again"
        );
        self.inner.draining.send_replace(Drain::LeaveRunning);
        // Leaving takes no longer than noticing; the bound is for a store that no longer answers.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.inner.until_idle()).await;
    }
}

fn listener() -> (Option<mpsc::Sender<Frame>>, Option<Frames>) {
    let (sender, receiver) = mpsc::channel(driver::LISTENER_BACKLOG);
    (Some(sender), Some(receiver))
}

pub(crate) fn millis(duration: Duration) -> Millis {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

impl Inner {
    pub fn live(&self) -> MutexGuard<'_, HashMap<TurnKey, mpsc::UnboundedSender<Command>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn register(&self, key: &TurnKey) -> mpsc::UnboundedReceiver<Command> {
        let (sender, mailbox) = mpsc::unbounded_channel();
        self.live().insert(key.clone(), sender);
        mailbox
    }

    /// Hands a command to whoever drives the turn; if nobody does, to a new driver.
    pub fn send(self: &Arc<Self>, key: TurnKey, command: Command) {
        let mut live = self.live();
        let command = match live.get(&key) {
            Some(mailbox) => match mailbox.send(command) {
                Ok(()) => return,
                Err(mpsc::error::SendError(command)) => command,
            },
            None => command,
        };
        let (sender, mailbox) = mpsc::unbounded_channel();
        // The receiver is right here.
        let _ = sender.send(command);
        live.insert(key.clone(), sender);
        drop(live);
        self.drive(key.clone(), driver::pick_up(Arc::clone(self), key, mailbox));
    }

    /// Sends a command after a pause.
    pub fn send_later(self: &Arc<Self>, key: TurnKey, command: Command, pause: Duration) {
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            if let Some(inner) = inner.upgrade().filter(|inner| *inner.draining.borrow() == Drain::No) {
                inner.send(key, command);
            }
        });
    }

    /// Runs a driver in a task of its own.
    fn drive(self: &Arc<Self>, key: TurnKey, driver: impl Future<Output = ()> + Send + 'static) {
        self.driving(key, driver).aside();
    }

    /// A driver, ready to run. One that panics must not leave its turn hanging: another one takes the turn up
    /// from the journal, to end it with the truth.
    fn driving(self: &Arc<Self>, key: TurnKey, driver: impl Future<Output = ()> + Send + 'static) -> Driving {
        let inner = Arc::clone(self);
        Driving::new(async move {
            if AssertUnwindSafe(driver).catch_unwind().await.is_err() {
                tracing::error!(turn = %key, "a driver panicked; its turn is failed");
                inner.live().remove(&key);
                let failing = AssertUnwindSafe(driver::fail_after_panic(Arc::clone(&inner), key.clone()));
                if failing.catch_unwind().await.is_err() {
                    tracing::error!(turn = %key, "it can't even be failed; it stays where it is");
                    inner.live().remove(&key);
                }
            }
        })
    }

    async fn ask(
        self: &Arc<Self>,
        key: TurnKey,
        command: impl FnOnce(Reply) -> Command,
    ) -> Result<Bytes, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send(key, command(reply));
        answer.await.unwrap_or(Err(CommandError::Draining))
    }

    /// The end of a driver, unless a command came in meanwhile.
    pub fn retire(&self, key: &TurnKey, mailbox: &mut mpsc::UnboundedReceiver<Command>) -> Option<Command> {
        let mut live = self.live();
        if let Ok(command) = mailbox.try_recv() {
            return Some(command);
        }
        live.remove(key);
        if live.is_empty() {
            // Also keeps the table's memory from growing with the busiest moment there ever was.
            live.shrink_to(64);
            self.emptied.notify_waiters();
        }
        None
    }

    async fn until_idle(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.live().is_empty() {
                return;
            }
            emptied.await;
        }
    }
}
