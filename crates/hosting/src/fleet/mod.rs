//! The sandboxes that live: started when somebody needs one, shared by whoever has the same key, stopped when
//! nobody has needed it for a while.

mod exchange;
mod live;
mod probe;
mod slot;
mod written;

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, mpsc, watch};

pub use exchange::{ExchangeError, RequestBody};
pub use live::{Visit, Visited};
pub use probe::Probe;
pub use written::{Excess, held};

use self::{
    live::Live,
    slot::{Slot, Stage},
    written::Writing,
};
use crate::{Code, Exit, Failure, Prepared, Runtime, SandboxSpec};

/// What a sandbox is to be, and how long it lives without being needed.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it runs.
    pub prepared: Prepared,
    /// What it is to be; its id is the fleet's key for it.
    pub spec: SandboxSpec,
    /// How it is found out that it is ready.
    pub probe: Probe,
    /// How long it may be unused before it is stopped; `None` keeps it.
    pub idle_after: Option<Duration>,
    /// How long it may take to end by itself once it is stopped.
    pub grace: Duration,
    /// Told once its program runs and is asked whether it is ready.
    pub started: Option<Arc<Notify>>,
    /// Dropped once the sandbox that was started for this order is gone.
    pub held: Option<Arc<dyn Any + Send + Sync>>,
}

/// What became of a sandbox without anybody asking for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The sandbox.
    pub id: String,
    /// Why it is no longer there.
    pub why: Why,
}

/// Why a sandbox is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody had needed it for as long as its order said.
    Idle,
    /// Its program ended.
    Exited(Exit),
    /// It has written more than it may.
    Exceeded(Excess),
}

/// The sandboxes that live.
#[derive(Clone)]
pub struct Fleet {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<dyn Runtime>,
    most: usize,
    slots: Mutex<HashMap<String, Slot>>,
    ended: mpsc::UnboundedSender<Ended>,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fleet").field("runtime", &self.shared.runtime).finish_non_exhaustive()
    }
}

impl Fleet {
    /// A fleet of at most `most` sandboxes, and what will become of them.
    pub fn new(runtime: Arc<dyn Runtime>, most: usize) -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let (ended, endings) = mpsc::unbounded_channel();
        (Self { shared: Arc::new(Shared { runtime, most, slots: Mutex::default(), ended }) }, endings)
    }

    /// The runtime that all of them run on.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.shared.runtime
    }

    /// Enters the sandbox with this id, if it lives or is on its way up.
    pub async fn find(&self, id: &str) -> Option<Result<Visit, Failure>> {
        let mut stage = self.shared.slots().get(id)?.stage();
        settled(&mut stage).await
    }

    /// Enters the sandbox of this order. It is started if it does not live; whoever comes while it starts waits
    /// for the same start, and whoever comes while it is being stopped for a new one.
    pub async fn enter(&self, order: Order) -> Result<Visit, Failure> {
        loop {
            let mut stage = self.place(&order)?.stage();
            if let Some(outcome) = settled(&mut stage).await {
                return outcome;
            }
        }
    }

    /// The place of a sandbox. Where it is free, a start begins.
    fn place(&self, order: &Order) -> Result<Slot, Failure> {
        let id = &order.spec.id;
        let mut slots = self.shared.slots();
        if let Some(slot) = slots.get(id) {
            return Ok(slot.clone());
        }
        if slots.len() >= self.shared.most {
            return Err(too_many(self.shared.most));
        }
        let slot = Slot::new();
        slots.insert(id.clone(), slot.clone());
        // The start goes on when the one who asked first leaves: the others still wait for it.
        tokio::spawn(Arc::clone(&self.shared).raise(order.clone(), slot.clone()));
        Ok(slot)
    }

    /// Whether a sandbox lives or is on its way up.
    pub fn has(&self, id: &str) -> bool {
        self.shared.slots().contains_key(id)
    }

    /// How many visits a sandbox has that is up.
    pub fn visits(&self, id: &str) -> Option<usize> {
        let stage = self.shared.slots().get(id)?.stage();
        match &*stage.borrow() {
            Stage::Up(live) => live.visits(),
            Stage::Starting | Stage::Failed(_) | Stage::Gone => None,
        }
    }

    /// The ids of the sandboxes there are.
    pub fn ids(&self) -> Vec<String> {
        self.shared.slots().keys().cloned().collect()
    }

    /// Stops a sandbox and waits until it is gone. What is under way in it is cut off after the grace period.
    pub async fn stop(&self, id: &str) {
        let Some(mut stage) = self.shared.slots().get(id).map(Slot::stage) else { return };
        if let Some(Ok(visit)) = settled(&mut stage).await {
            visit.live().dismiss();
        }
        let _ = stage.wait_for(|stage| matches!(stage, Stage::Gone | Stage::Failed(_))).await;
    }

    /// Stops all of them at once.
    pub async fn stop_all(&self) {
        let stops = self.ids().into_iter().map(|id| async move { self.stop(&id).await });
        futures_util::future::join_all(stops).await;
    }
}

/// Waits until a start has come to an end, and enters. `None` once the place is free again.
async fn settled(stage: &mut watch::Receiver<Stage>) -> Option<Result<Visit, Failure>> {
    loop {
        let now = stage.borrow_and_update().clone();
        match now {
            Stage::Up(live) => {
                if let Some(visit) = Visit::begin(&live) {
                    return Some(Ok(visit));
                }
            }
            Stage::Failed(failure) => return Some(Err(failure)),
            Stage::Gone => return None,
            Stage::Starting => {}
        }
        // The task of the start always comes to an end; only the end of the whole runtime takes it away.
        if stage.changed().await.is_err() {
            return None;
        }
    }
}

fn too_many(most: usize) -> Failure {
    Failure::new(
        Code::SandboxUnavailable,
        format!(
            "{most} sandboxes run already, which is the most that this service runs at once. Stop sessions \
             that are no longer needed, or raise 'hosting.max_sandboxes'."
        ),
    )
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a sandbox, waits until it is ready, and then for its end.
    async fn raise(self: Arc<Self>, order: Order, slot: Slot) {
        let id = order.spec.id.clone();
        let (idle_after, grace) = (order.idle_after, order.grace);
        let held = order.held.clone();
        let live = match self.start(order).await {
            Ok(live) => Arc::new(live),
            Err(failure) => {
                self.slots().remove(&id);
                return slot.reach(Stage::Failed(failure));
            }
        };
        slot.reach(Stage::Up(Arc::clone(&live)));
        let why = live.until_it_ends(idle_after).await;
        // What writes too much is not given time to write more.
        let grace = if matches!(why, Some(Why::Exceeded(_))) { Duration::ZERO } else { grace };
        live.sandbox().stop(grace).await;
        drop(held);
        self.slots().remove(&id);
        slot.reach(Stage::Gone);
        if let Some(why) = why {
            let _ = self.ended.send(Ended { id, why });
        }
    }

    async fn start(&self, order: Order) -> Result<Live, Failure> {
        let Order { prepared, spec, probe, started, .. } = order;
        let logs = Arc::clone(&spec.logs);
        let writing = Writing { home: spec.home.clone(), limits: spec.limits };
        writing.admit().await?;
        let sandbox = self.runtime.start(&prepared, spec).await?;
        if let Some(started) = started {
            started.notify_one();
        }
        match probe.until_ready(&*sandbox, &logs).await {
            Ok(()) => Ok(Live::new(sandbox, logs, writing)),
            Err(failure) => {
                sandbox.stop(Duration::ZERO).await;
                Err(failure)
            }
        }
    }
}
