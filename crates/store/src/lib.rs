//! Resources, the turn journal and blobs, durable.
//!
//! Everything that must not be lost goes through here. Writers hand over a [`Batch`] of [`Change`]s that
//! is committed as a whole or not at all; readers see committed state only. One trait per noun, and one
//! test suite that every backend passes: [`Commits`], [`Resources`], [`Turns`], [`Blobs`].

mod blobs;
mod change;
mod error;
mod resource;
mod sqlite;
mod turns;

use std::sync::Arc;

pub use blobs::{Blobs, ByteStream, FileBlobs};
pub use change::{Batch, Change, Commit, Commits, Conflict};
pub use error::{CODES, StoreError};
pub use resource::{Key, Kind, Listing, Order, Resource, Resources, Slice, Tally};
pub use sqlite::{Durability, SCHEMA_VERSION, SqliteStore};
pub use turns::{JournalEntry, TurnKey, TurnPhase, TurnRecord, Turns};

/// Everything that a store does, behind one pointer.
pub trait Store: Commits + Resources + Turns {}

impl<T: Commits + Resources + Turns> Store for T {}

/// A store that is shared by everything that needs one.
pub type SharedStore = Arc<dyn Store>;
