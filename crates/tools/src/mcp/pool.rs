//! Sessions that are open, by the server and what it is told; and what servers have listed lately.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::Instant;

use super::{Failure, Listed, Server, Wanted, session::Session};
use crate::outgoing::Outgoing;

/// How long a session is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How long a list is good.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// The most servers that are remembered.
const MOST: usize = 256;

/// What is remembered of a server.
#[derive(Default)]
struct Slot {
    /// Locked while it is opened, so that all who come at once share one.
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    listed: Mutex<Option<Remembered>>,
}

/// What a server has listed.
struct Remembered {
    at: Instant,
    wanted: Wanted,
    tools: Arc<Vec<Listed>>,
}

#[derive(Default)]
struct Slots {
    by_server: HashMap<Server, (Instant, Arc<Slot>)>,
    is_swept: bool,
}

/// Open sessions.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Slots>>);

impl Pool {
    /// The session with a server, opened where there is none.
    pub async fn session(&self, outgoing: &Outgoing, server: &Server) -> Result<Arc<Session>, Failure> {
        let slot = self.slot(server);
        let mut session = slot.session.lock().await;
        if let Some(open) = session.as_ref().filter(|open| !open.is_over()) {
            return Ok(Arc::clone(open));
        }
        let open = Arc::new(Session::open(outgoing, server).await?);
        *session = Some(Arc::clone(&open));
        Ok(open)
    }

    /// Forgets a session that is of no use any more.
    pub async fn forget(&self, server: &Server, session: &Arc<Session>) {
        let slot = self.slot(server);
        let mut open = slot.session.lock().await;
        open.take_if(|open| Arc::ptr_eq(open, session));
    }

    /// What the server has listed lately.
    pub fn listed(&self, server: &Server, wanted: &Wanted) -> Option<Arc<Vec<Listed>>> {
        let slot = self.slot(server);
        let listed = locked(&slot.listed);
        let is_good = |known: &&Remembered| known.wanted == *wanted && known.at.elapsed() < FRESH;
        listed.as_ref().filter(is_good).map(|known| Arc::clone(&known.tools))
    }

    /// Remembers what the server has listed.
    pub fn remember(&self, server: &Server, wanted: &Wanted, tools: &Arc<Vec<Listed>>) {
        let slot = self.slot(server);
        let (at, wanted, tools) = (Instant::now(), wanted.clone(), Arc::clone(tools));
        *locked(&slot.listed) = Some(Remembered { at, wanted, tools });
    }

    fn slot(&self, server: &Server) -> Arc<Slot> {
        let now = Instant::now();
        let mut slots = locked(&self.0);
        if !slots.by_server.contains_key(server) && slots.by_server.len() >= MOST {
            let oldest = slots.by_server.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(server, _)| server.clone()) {
                slots.by_server.remove(&oldest);
            }
        }
        let (used, slot) = slots.by_server.entry(server.clone()).or_insert_with(|| (now, Arc::default()));
        *used = now;
        let slot = Arc::clone(slot);
        if !std::mem::replace(&mut slots.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        slot
    }
}

/// Lets go of what nobody has used for long, until there is nothing left.
async fn sweep(slots: Weak<Mutex<Slots>>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(slots) = slots.upgrade() else { return };
        let mut slots = locked(&slots);
        slots.by_server.retain(|_, (used, _)| used.elapsed() < IDLE);
        if slots.by_server.is_empty() {
            slots.is_swept = false;
            return;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
