//! What was committed: one small record, replaced as a whole.
//!
//! It is the payload of the commit of the index of words, so that words, passages and vectors change at one moment.

use serde::{Deserialize, Serialize};

use super::Embedding;

/// The way the files are written. An index of another way is made again.
pub(super) const FORMAT: u32 = 1;

/// Names the files and how much of each counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) format: u32,
    /// The journal of files.
    pub(super) catalog: Extent,
    /// A checksum of the journal.
    pub(super) catalog_checksum: u32,
    /// The texts.
    pub(super) passages: Extent,
    /// The vectors, counted in rows.
    pub(super) rows: Extent,
    /// What the vectors are of, once there are some.
    pub(super) embedding: Option<Embedding>,
    /// The number that the next file gets.
    pub(super) next_slot: u32,
}

/// A file that is replaced by a next generation when it is written anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent {
    pub(super) generation: u64,
    pub(super) length: u64,
}

impl Extent {
    /// An empty file of the next generation.
    pub(super) fn next_generation(self) -> Self {
        Self { generation: self.generation + 1, length: 0 }
    }
}

impl State {
    /// Whether files of this state aren't those of another.
    pub(super) fn names_other_files(&self, other: &Self) -> bool {
        let generations =
            |state: &Self| [state.catalog, state.passages, state.rows].map(|extent| extent.generation);
        generations(self) != generations(other)
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT,
            catalog: Extent::default(),
            catalog_checksum: 0,
            passages: Extent::default(),
            rows: Extent::default(),
            embedding: None,
            next_slot: 0,
        }
    }
}
