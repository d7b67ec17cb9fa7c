//! Turns and their journals.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::StoreError;

/// Which turn: it has the id of the resource that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TurnKey {
    /// The project.
    pub project: Arc<str>,
    /// The id, unique within the project.
    pub id: String,
}

impl fmt::Display for TurnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.id)
    }
}

/// Where a turn stands, as far as the store has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnPhase {
    /// Somebody has to drive it.
    Running,
    /// It waits for its client until then (milliseconds since the Unix epoch).
    Waiting {
        /// When it has waited long enough.
        until: i64,
    },
    /// It is over.
    Ended,
}

/// A turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRecord {
    /// Which.
    pub turn: TurnKey,
    /// The dialect that asked for it.
    pub dialect: String,
    /// Where it stands.
    pub phase: TurnPhase,
    /// Its journal, oldest first.
    pub journal: Vec<JournalEntry>,
}

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Milliseconds since the Unix epoch.
    pub at: i64,
    /// The entry.
    pub entry: Bytes,
}

/// Reads turns.
#[async_trait]
pub trait Turns: Send + Sync {
    /// One turn with its journal.
    async fn turn(&self, turn: &TurnKey) -> Result<Option<TurnRecord>, StoreError>;

    /// The frames that were kept of a turn's stream, from place `first` on.
    async fn frames(&self, turn: &TurnKey, first: i64) -> Result<Vec<Bytes>, StoreError>;

    /// The turns that somebody has to drive: what a crash left behind, in the order in which they were opened.
    async fn running_turns(&self) -> Result<Vec<TurnKey>, StoreError>;

    /// The turns that have waited for their client until `now` or longer.
    async fn overdue_turns(&self, now: i64) -> Result<Vec<TurnKey>, StoreError>;

    /// When the next waiting turn has waited long enough.
    async fn next_deadline(&self) -> Result<Option<i64>, StoreError>;
}
