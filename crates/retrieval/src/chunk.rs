//! Chunks: pieces of a document that are found and quoted as a whole.

use serde::{Deserialize, Serialize};

use crate::Place;

/// How documents are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunking {
    /// The most tokens of a chunk.
    pub max_chunk_size_tokens: u32,
    /// Tokens that a chunk shares with the one before.
    pub chunk_overlap_tokens: u32,
}

impl Default for Chunking {
    /// What the wire calls `auto`.
    fn default() -> Self {
        Self { max_chunk_size_tokens: 800, chunk_overlap_tokens: 400 }
    }
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place among the chunks of its file, from 0.
    pub ordinal: u32,
    /// The text.
    pub text: String,
    /// How many tokens that is.
    pub tokens: u32,
    /// Where it begins in the file.
    #[serde(default)]
    pub place: Place,
}
