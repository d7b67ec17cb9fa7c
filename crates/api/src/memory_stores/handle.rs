//! What the operations, the tool and the workers work with.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use cupola_engine::{Clock, Deployments, Millis, ids};
use cupola_store::{Change, Listing, Resource, SharedStore};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{
    kinds::{self, MEMORY},
    record::{Memory, Store, read},
    schedule::Schedule,
};
use crate::{ApiError, body::document};

/// How many searches are remembered that others may go on from.
const SEARCHES: usize = 1_024;

/// What memory stores are made of.
pub struct MemoriesParts {
    /// Where resources are.
    pub store: SharedStore,
    /// Who makes memories, and vectors of them.
    pub deployments: Arc<dyn Deployments>,
}

/// The memory stores of all projects.
pub struct Memories {
    parts: MemoriesParts,
    clock: Clock,
    schedule: Schedule,
    searches: Mutex<VecDeque<(String, Vec<Value>)>>,
    closing: watch::Sender<bool>,
    tasks: TaskTracker,
}

impl Memories {
    /// Memory stores made of these parts. Nothing is done before they are started.
    pub fn new(parts: MemoriesParts) -> Self {
        Self {
            parts,
            clock: Clock::default(),
            schedule: Schedule::default(),
            searches: Mutex::default(),
            closing: watch::Sender::new(false),
            tasks: TaskTracker::new(),
        }
    }

    /// Where resources are.
    pub(super) fn store(&self) -> &SharedStore {
        &self.parts.store
    }

    /// Who makes memories, and vectors of them.
    pub(super) fn deployments(&self) -> &dyn Deployments {
        &*self.parts.deployments
    }

    /// What is due when.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Tells when the work has to end, or ends it.
    pub(super) fn closing(&self) -> &watch::Sender<bool> {
        &self.closing
    }

    /// The tasks that work.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// The time, in seconds since the Unix epoch.
    pub(super) fn now(&self) -> i64 {
        self.clock.seconds()
    }

    /// The time, in milliseconds since the Unix epoch.
    pub(super) fn now_millis(&self) -> Millis {
        self.clock.now()
    }

    /// The store with this name, or its 404.
    pub(crate) async fn find(&self, project: &Arc<str>, name: &str) -> Result<(Store, Resource), ApiError> {
        let found = self.store().get(&kinds::store(project, name)).await?;
        let found = found.ok_or_else(|| kinds::no_store(name))?;
        Ok((read(&found)?, found))
    }

    /// The memories of a scope that are not forgotten, the newest first.
    pub(super) async fn of_scope(
        &self,
        project: &Arc<str>,
        store: &str,
        scope: &str,
    ) -> Result<Vec<(Memory, Resource)>, ApiError> {
        let listing = Listing { facet: Some(scope), ..Listing::all(project, MEMORY, store) };
        let now = self.now();
        let mut memories = Vec::new();
        for found in self.store().list(listing).await?.items {
            let memory: Memory = read(&found)?;
            if !memory.has_expired(now) {
                memories.push((memory, found));
            }
        }
        memories.sort_by_key(|(memory, found)| (-memory.updated_at, -found.seq));
        Ok(memories)
    }

    /// The changes that take away the memories of a scope that are forgotten.
    pub(super) async fn clearing(
        &self,
        project: &Arc<str>,
        store: &str,
        scope: &str,
    ) -> Result<Vec<Change>, ApiError> {
        let listing = Listing { facet: Some(scope), ..Listing::all(project, MEMORY, store) };
        let now = self.now();
        let mut changes = Vec::new();
        for found in self.store().list(listing).await?.items {
            if read::<Memory>(&found)?.has_expired(now) {
                changes.push(Change::Delete { key: kinds::memory(project, &found.id) });
            }
        }
        Ok(changes)
    }

    /// Remembers what was looked for, so that another search may go on from there. A restart forgets it: then
    /// that search looks for its own words alone.
    pub(super) fn note_search(&self, items: Vec<Value>) -> String {
        let id = ids::new("memsearch_");
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        if searches.len() == SEARCHES {
            searches.pop_front();
        }
        searches.push_back((id.clone(), items));
        id
    }

    /// What an earlier search has looked for.
    pub(super) fn searched(&self, id: &str) -> Vec<Value> {
        let searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        let found = searches.iter().find(|(other, _)| other == id);
        found.map(|(_, items)| items.clone()).unwrap_or_default()
    }
}

/// A new memory.
pub(super) fn insert(project: &Arc<str>, store: &str, memory: &Memory) -> Change {
    Change::Insert {
        key: kinds::memory(project, &memory.memory_id),
        parent: store.to_owned(),
        facet: memory.scope.clone(),
        created_at: memory.updated_at,
        doc: document(memory),
        aside: None,
    }
}

/// When a memory that is written now is forgotten.
pub(super) fn end_of(store: &Store, now: i64) -> Option<i64> {
    let seconds = store.definition.options.default_ttl_seconds.filter(|seconds| *seconds > 0)?;
    Some(now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)))
}
