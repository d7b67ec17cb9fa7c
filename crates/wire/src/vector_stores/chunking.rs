//! How files are cut into passages.

use serde::{Deserialize, Serialize};

use crate::{Extra, tagged::tagged};

tagged! {
    /// How a client wants a file to be cut. `auto`, and what later clients think of, is kept whole.
    ChunkingChoice by "type" {
        /// Passages of this size.
        "static" => Static(StaticChoice),
    }
}

/// The choice of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticChoice {
    /// The size.
    #[serde(rename = "static")]
    pub chunking: StaticChunking,
}

/// A size of passages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticChunking {
    /// The most tokens of a passage.
    pub max_chunk_size_tokens: i64,
    /// Tokens that a passage shares with the one before.
    pub chunk_overlap_tokens: i64,
}

/// How a file was cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChunkingStrategy {
    /// `static`, or `other` where nobody knows any more.
    #[serde(rename = "type")]
    pub kind: String,
    /// The size.
    #[serde(rename = "static", default, skip_serializing_if = "Option::is_none")]
    pub chunking: Option<StaticChunking>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ChunkingStrategy {
    /// Passages of this size.
    pub fn of(chunking: StaticChunking) -> Self {
        Self { kind: "static".to_owned(), chunking: Some(chunking), extra: Extra::new() }
    }
}
