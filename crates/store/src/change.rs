//! Changes, and the promise that a batch of them is committed as a whole.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{Key, StoreError, TurnKey, TurnPhase};

/// Changes that are committed together or not at all, in order.
pub type Batch = Vec<Change>;

/// One change, with the condition under which it may happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new resource; a conflict if it exists.
    Insert {
        /// Where.
        key: Key,
        /// What it belongs to; empty for the project itself.
        parent: String,
        /// A second thing to filter by; may be empty.
        facet: String,
        /// Seconds since the Unix epoch.
        created_at: i64,
        /// The document.
        doc: Bytes,
        /// What is kept with it for good and is not shown with it; see [`crate::Resources::aside`].
        aside: Option<Bytes>,
    },
    /// A new document for a resource; a conflict if it is gone or no longer the one that was read.
    Replace {
        /// Which.
        key: Key,
        /// The etag that was read.
        if_etag: i64,
        /// The document.
        doc: Bytes,
    },
    /// Another facet and weight for a resource; a conflict if it is gone. Its document and etag stay.
    Refile {
        /// Which.
        key: Key,
        /// The second thing to filter by; may be empty.
        facet: String,
        /// A number to add up over many resources. New ones have 0.
        weight: i64,
    },
    /// The end of a resource and of everything that belongs to it, by what its kind owns; a conflict if it is
    /// gone.
    Delete {
        /// Which.
        key: Key,
    },
    /// No change, but a conflict if there are as many as `limit` already.
    RequireFewer {
        /// What they belong to, with their kind.
        parent: Key,
        /// How many there may be.
        limit: usize,
    },
    /// A claim that at most one holder can have; a conflict if somebody holds it.
    Claim {
        /// The project.
        project: Arc<str>,
        /// What is claimed.
        name: String,
        /// By whom.
        holder: String,
    },
    /// The end of a claim, whoever holds it; nothing if nobody does.
    Release {
        /// The project.
        project: Arc<str>,
        /// What was claimed.
        name: String,
    },
    /// No change, but a conflict if somebody holds this claim.
    RequireFree {
        /// The project.
        project: Arc<str>,
        /// What may be claimed.
        name: String,
    },
    /// No change, but a conflict if it does not exist.
    RequirePresent {
        /// Which.
        key: Key,
    },
    /// A new turn, at journal position 0.
    OpenTurn {
        /// Which.
        turn: TurnKey,
        /// The dialect that asked for it.
        dialect: &'static str,
    },
    /// Frames of a turn's stream, kept so that a client can come back and read on; a conflict if there
    /// are frames from this place on already.
    KeepFrames {
        /// Which turn.
        turn: TurnKey,
        /// The place of the first one: 0 for the first frame of the turn.
        first: i64,
        /// The frames.
        frames: Vec<Bytes>,
    },
    /// The next entry of a turn's journal; a conflict if somebody else has written at this position.
    Append {
        /// Which turn.
        turn: TurnKey,
        /// The entry's position: 0, 1, 2, ….
        position: i64,
        /// Milliseconds since the Unix epoch.
        at: i64,
        /// The entry.
        entry: Bytes,
        /// Where the turn stands after it.
        phase: TurnPhase,
    },
}

/// Why a batch was not committed: a condition did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// This should not exist.
    Exists(Key),
    /// This should exist.
    Missing(Key),
    /// This was changed by somebody else.
    Changed(Key),
    /// There are as many as there may be.
    Full(Key),
    /// Somebody holds the claim.
    Held {
        /// What is claimed.
        name: String,
        /// By whom.
        holder: String,
    },
    /// Somebody else wrote this turn's journal.
    Journal(TurnKey),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(key) => write!(f, "{key} exists"),
            Self::Missing(key) => write!(f, "{key} does not exist"),
            Self::Changed(key) => write!(f, "{key} was changed meanwhile"),
            Self::Full(parent) => write!(f, "{parent} has as many as it may have"),
            Self::Held { name, holder } => write!(f, "{name} is held by {holder}"),
            Self::Journal(key) => write!(f, "the journal of {key} was written by somebody else"),
        }
    }
}

/// Writes.
pub trait Commits: Send + Sync {
    /// Hands over a batch. It is on its way when this returns; the [`Commit`] tells when it is durable.
    /// Batches are committed in the order in which they were handed over.
    fn submit(&self, batch: Batch) -> Commit;

    /// The same, for callers who have nothing to do until the batch is durable: it may be committed before
    /// this returns.
    fn commit(&self, batch: Batch) -> Commit {
        self.submit(batch)
    }
}

/// A batch on its way. Dropping it does not take the batch back.
#[derive(Debug)]
pub enum Commit {
    /// It was committed, or not. `None` once that was told.
    Done(Option<Result<(), StoreError>>),
    /// Somebody else commits it.
    Waiting(oneshot::Receiver<Result<(), StoreError>>),
}

impl Future for Commit {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Done(outcome) => Poll::Ready(outcome.take().unwrap_or(Err(StoreError::Stopped))),
            Self::Waiting(answer) => {
                Pin::new(answer).poll(cx).map(|answer| answer.unwrap_or(Err(StoreError::Stopped)))
            }
        }
    }
}
