//! The interpreters of containers: at most one for each, and no more than there may be at the same time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cupola_interpreter::{Entry, Interpreter};
use tokio::{
    sync::{Mutex as Turn, OwnedSemaphorePermit},
    time::timeout,
};

use super::{Containers, fault::ContainerFault, record::FileRecord};

/// How long somebody waits for a place while all interpreters are at work.
const PATIENCE: Duration = Duration::from_secs(30);

/// A container, by project and id.
type Place = (Arc<str>, String);

/// The containers that are used, with their interpreters.
#[derive(Default)]
pub struct Slots(Mutex<HashMap<Place, Arc<Slot>>>);

/// A container that is used. Whoever uses it waits for its turn.
#[derive(Default)]
pub struct Slot {
    /// Its interpreter, if it has one now.
    pub alive: Turn<Option<Alive>>,
    /// When it was used last, in seconds since the Unix epoch.
    used_at: AtomicI64,
}

/// An interpreter that knows its container's files.
pub struct Alive {
    pub interpreter: Interpreter,
    /// What is known of the files, by their paths.
    pub known: HashMap<String, Known>,
    _place: OwnedSemaphorePermit,
}

/// A file that is in the store as it is in the interpreter's folder.
#[derive(Clone, Debug)]
pub struct Known {
    pub file: FileRecord,
    pub entry: Entry,
}

impl Alive {
    /// An interpreter whose folder is empty.
    pub fn new(interpreter: Interpreter, place: OwnedSemaphorePermit) -> Self {
        Self { interpreter, known: HashMap::new(), _place: place }
    }
}

impl Slot {
    /// Ends the interpreter, once its turn has come.
    async fn end(&self) {
        let alive = self.alive.lock().await.take();
        if let Some(alive) = alive {
            alive.interpreter.close().await;
        }
    }
}

impl Slots {
    fn all(&self) -> MutexGuard<'_, HashMap<Place, Arc<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a container.
    pub fn of(&self, project: &Arc<str>, id: &str) -> Arc<Slot> {
        let place = (Arc::clone(project), id.to_owned());
        Arc::clone(self.all().entry(place).or_default())
    }

    /// When a container was used last, as far as this process knows.
    pub fn used_at(&self, project: &Arc<str>, id: &str) -> i64 {
        let place = (Arc::clone(project), id.to_owned());
        self.all().get(&place).map_or(0, |slot| slot.used_at.load(Ordering::Acquire))
    }

    /// A container is used.
    pub fn touch(&self, project: &Arc<str>, id: &str, now: i64) {
        self.of(project, id).used_at.fetch_max(now, Ordering::AcqRel);
    }

    /// Ends the interpreter of a container, once its turn has come.
    pub async fn end(&self, project: &Arc<str>, id: &str) {
        let place = (Arc::clone(project), id.to_owned());
        let slot = self.all().get(&place).cloned();
        if let Some(slot) = slot {
            slot.end().await;
        }
    }

    /// A container is gone.
    pub fn forget(&self, project: &Arc<str>, id: &str) {
        self.all().remove(&(Arc::clone(project), id.to_owned()));
    }

    /// Ends all interpreters.
    pub async fn end_all(&self) {
        let all: Vec<_> = self.all().drain().map(|(_, slot)| slot).collect();
        for slot in all {
            slot.end().await;
        }
    }

    /// Ends the interpreter that was not used for longest, of those that are not at work. Says whether there was
    /// one.
    fn end_one(&self) -> bool {
        let mut all: Vec<_> = self.all().values().cloned().collect();
        all.sort_by_key(|slot| slot.used_at.load(Ordering::Acquire));
        all.iter().any(|slot| slot.alive.try_lock().is_ok_and(|mut alive| alive.take().is_some()))
    }
}

impl Containers {
    /// A place for one more interpreter. Another one gives way, if it must: its files stay, its variables don't.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, ContainerFault> {
        if let Ok(place) = Arc::clone(self.places()).try_acquire_owned() {
            return Ok(place);
        }
        self.slots().end_one();
        let place = timeout(PATIENCE, Arc::clone(self.places()).acquire_owned()).await;
        place.map_err(|_| ContainerFault::Busy)?.map_err(|_| ContainerFault::Stopping)
    }
}
