//! What `file_search` needs of whoever keeps vector stores.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};

/// Vector stores, as the tool knows them.
#[async_trait]
pub trait Library: Send + Sync {
    /// The best passages of these stores, the best first.
    async fn search(
        &self,
        project: &Arc<str>,
        stores: &[String],
        wanted: &Wanted,
    ) -> Result<Vec<Passage>, NotSearched>;
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The texts; what is found by any of them is found.
    pub queries: Vec<String>,
    /// How many passages at most.
    pub limit: usize,
    /// Which files may be found: a filter of attributes, as it stands on the wire.
    pub filters: Option<Value>,
    /// Whether a reranker judges the best passages, where there is one.
    pub may_rerank: bool,
    /// The least score that a passage must have, from 0 to 1.
    pub threshold: f64,
    /// How much meaning and words count, as it stands on the wire.
    pub weights: Option<Value>,
}

/// A passage that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passage {
    /// The file that it stands in.
    pub file_id: String,
    /// The file's name.
    pub filename: String,
    /// What the client says about the file.
    pub attributes: Map<String, Value>,
    /// How good it is, from 0 to 1.
    pub score: f64,
    /// The text.
    pub text: String,
    /// The page or slide, from 1.
    pub page: Option<u32>,
    /// The nearest heading above it.
    pub heading: Option<String>,
}

/// Why there was no search, in a sentence for the model and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSearched(pub String);

impl fmt::Display for NotSearched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
