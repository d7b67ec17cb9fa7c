//! What is asked, and what is found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Chunk;

/// What made vectors. Vectors of two embeddings can't be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedding {
    /// The model.
    pub model: String,
    /// How many components its vectors have.
    pub dimensions: usize,
}

impl fmt::Display for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' with {} dimensions", self.model, self.dimensions)
    }
}

/// Vectors of the chunks of a file, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Embedded<'a> {
    /// The model that made them.
    pub model: &'a str,
    /// A vector for each chunk.
    pub vectors: &'a [Vec<f32>],
}

/// The vector of a query.
#[derive(Clone, Copy, Debug)]
pub struct QueryVector<'a> {
    /// The model that made it.
    pub model: &'a str,
    /// The vector.
    pub vector: &'a [f32],
}

/// A search.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The words to look for.
    pub text: &'a str,
    /// What to look for by meaning. Without it, words alone decide.
    pub vector: Option<QueryVector<'a>>,
    /// The most hits.
    pub limit: usize,
    /// Which files may be shown. It is asked for few files, about once for each by each ranking, and maybe by both at the
    /// same time.
    pub allowed: &'a (dyn Fn(&str) -> bool + Sync),
    /// How much each ranking counts, if there are two.
    pub weights: Weights,
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Query");
        debug.field("text", &self.text).field("model", &self.vector.map(|vector| vector.model));
        debug.field("limit", &self.limit).field("weights", &self.weights).finish_non_exhaustive()
    }
}

/// How much each ranking counts. Only their ratio matters; a ranking with weight 0 isn't asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// The ranking by words (`text_weight` on the wire).
    pub words: f32,
    /// The ranking by vectors (`embedding_weight` on the wire).
    pub vectors: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { words: 1.0, vectors: 1.0 }
    }
}

/// A chunk that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its file.
    pub file_id: String,
    /// The chunk.
    pub chunk: Chunk,
    /// How good it is, in [0, 1]; hits come with the highest score first.
    ///
    /// With one ranking this is that ranking's score. With two it is the weighted sum of `1 / (60 + rank)`, less where
    /// there is little evidence for the rank, as a share of what a chunk gets that is first in both: a chunk that only
    /// one of two equal rankings found has 0.5 at most.
    pub score: f32,
    /// What the ranking by words says, if it found the chunk. Its score is the share of the query that the chunk
    /// covers, weighted by how rare each word is: BM25 divided by the most that it could be.
    pub words: Option<Found>,
    /// What the ranking by vectors says, if it found the chunk. Its score is the cosine, and 0 where that is negative.
    pub vectors: Option<Found>,
}

/// What one ranking says about a chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The rank, from 1.
    pub rank: u32,
    /// The score in [0, 1].
    pub score: f32,
}

/// A file of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedFile {
    /// Its id.
    pub file_id: String,
    /// How many chunks it has.
    pub chunks: u32,
    /// Bytes of text in its chunks; what overlaps counts twice.
    pub text_bytes: u64,
    /// Whether its chunks have vectors.
    pub is_embedded: bool,
}

/// What there is in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Files.
    pub files: u64,
    /// Chunks of all files.
    pub chunks: u64,
    /// Chunks that have vectors.
    pub embedded_chunks: u64,
    /// Bytes of text in all chunks; what overlaps counts twice.
    pub text_bytes: u64,
    /// Bytes of the directory on disk.
    pub disk_bytes: u64,
    /// What the vectors are of, once there are some.
    pub embedding: Option<Embedding>,
}

/// How an index works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Up to this many vectors every search compares all of them exactly. With more, candidates are chosen by
    /// quantised vectors.
    pub exact_up_to: u64,
    /// Threads that a writer uses for words.
    pub writer_threads: usize,
    /// Bytes that a writer gathers before it writes a segment, in all threads; at least 15 MB each.
    pub writer_memory: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { exact_up_to: 4096, writer_threads: 1, writer_memory: 64 << 20 }
    }
}
