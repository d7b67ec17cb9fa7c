//! Searching vector stores: for the operation of the clients and for the tool `file_search`.

use std::{collections::HashMap, sync::Arc};

use cupola_retrieval::{Hit, LibraryError, Place, Question, Weights};
use cupola_store::{Resource, StoreError};
use cupola_wire::vector_stores::{Attributes, FileStatus, Filter, HybridSearch};
use tokio::runtime::Handle;

use super::{
    VectorStores,
    filter::matches,
    kinds,
    record::{FileRecord, StoreRecord, read},
};

/// How many passages a reranker is given.
const RERANKED: usize = 30;

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
}

impl Query {
    /// A plain query for one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { texts: vec![text.into()], limit: DEFAULT_RESULTS, filter: None, ranking: Ranking::default() }
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

impl SearchFault {
    /// An index that can't be read.
    pub(super) fn index(store: &str, error: &LibraryError) -> Self {
        Self::Index { store: store.to_owned(), message: error.to_string() }
    }
}

impl VectorStores {
    /// The best passages of several stores, the best first. A store that is searched has been used.
    ///
    /// Files that are in progress are not found; [`VectorStores::until_settled`] waits for them.
    pub async fn search(
        &self,
        project: &Arc<str>,
        stores: &[String],
        query: &Query,
    ) -> Result<Vec<FoundPassage>, SearchFault> {
        for store in stores {
            self.check_searchable(project, store).await?;
        }
        let mut best = Best::default();
        for text in &query.texts {
            let question = Arc::new(self.library().models().question(text).await);
            for store in stores {
                best.add(store, self.hits(project, store, query, &question).await?);
            }
        }
        let mut passages = self.told(project, best, query).await?;
        self.rerank(query, &mut passages).await;
        passages.retain(|passage| passage.score >= query.ranking.threshold);
        passages.truncate(query.limit);
        for store in stores {
            self.touch(project, store).await?;
        }
        Ok(passages)
    }

    async fn check_searchable(&self, project: &Arc<str>, id: &str) -> Result<(), SearchFault> {
        let found = self.store().get(&kinds::store(project, id)).await?;
        let found = found.ok_or_else(|| SearchFault::Missing(id.to_owned()))?;
        let store: StoreRecord = read(&found)?;
        if store.has_expired(self.now()) { Err(SearchFault::Expired(id.to_owned())) } else { Ok(()) }
    }

    /// What one store has for one text.
    async fn hits(
        &self,
        project: &Arc<str>,
        store: &str,
        query: &Query,
        question: &Arc<Question>,
    ) -> Result<Vec<Hit>, SearchFault> {
        let (resources, runtime) = (Arc::clone(self.store()), Handle::current());
        let (at, within, filter) = (Arc::clone(project), store.to_owned(), query.filter.clone());
        // The resources say what may be found, at this moment. The index asks about few files, on a thread of its own.
        let allowed = move |file: &str| {
            let found = runtime.block_on(resources.get(&kinds::file(&at, &within, file)));
            found.ok().flatten().is_some_and(|found| is_found(&found, filter.as_ref()))
        };
        let limit = if self.reranks(query) { query.limit.max(RERANKED) } else { query.limit };
        let hits = self.library().search(store, Arc::clone(question), limit, weights(query), allowed).await;
        hits.map_err(|error| {
            if error.is_damage() {
                self.doubt(project, store);
            }
            SearchFault::index(store, &error)
        })
    }

    /// The passages with what the resources say about their files.
    async fn told(
        &self,
        project: &Arc<str>,
        best: Best,
        query: &Query,
    ) -> Result<Vec<FoundPassage>, SearchFault> {
        let most = if self.reranks(query) { query.limit.max(RERANKED) } else { query.limit };
        let mut passages = Vec::new();
        for (store, hit) in best.in_order().into_iter().take(most) {
            let found = self.store().get(&kinds::file(project, &store, &hit.file_id)).await?;
            // It may have left while the index was asked.
            let Some(found) = found.filter(|found| is_found(found, query.filter.as_ref())) else { continue };
            let file: FileRecord = read(&found)?;
            passages.push(FoundPassage {
                vector_store_id: store,
                file_id: hit.file_id,
                filename: file.filename,
                attributes: file.attributes,
                score: f64::from(hit.score).clamp(0.0, 1.0),
                ordinal: hit.chunk.ordinal,
                text: hit.chunk.text,
                place: hit.chunk.place,
            });
        }
        Ok(passages)
    }

    fn reranks(&self, query: &Query) -> bool {
        query.ranking.may_rerank && self.library().models().reranker.is_some()
    }

    /// Lets the reranker judge, where there is one. Where it fails, the passages stay as they are.
    async fn rerank(&self, query: &Query, passages: &mut [FoundPassage]) {
        let Some(reranker) = self.library().models().reranker.as_ref().filter(|_| self.reranks(query)) else {
            return;
        };
        let texts: Vec<&str> = passages.iter().map(|passage| passage.text.as_str()).collect();
        let scores = match reranker.rerank(&query.texts.join("\n"), &texts).await {
            Ok(scores) if scores.len() == texts.len() => scores,
            Ok(_) => {
                return tracing::warn!(
                    model = reranker.model(),
                    "the reranker gave too few or too many scores"
                );
            }
            Err(error) => return tracing::warn!(%error, "the reranker failed; the passages keep their order"),
        };
        for (passage, score) in passages.iter_mut().zip(scores) {
            passage.score = f64::from(score).clamp(0.0, 1.0);
        }
        passages.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
}

/// Whether a file may be found.
fn is_found(found: &Resource, filter: Option<&Filter>) -> bool {
    if found.facet != FileStatus::Completed.as_str() {
        return false;
    }
    let Some(filter) = filter else { return true };
    read::<FileRecord>(found).is_ok_and(|file| matches(filter, &file.attributes))
}

fn weights(query: &Query) -> Weights {
    let Some(weights) = query.ranking.weights else { return Weights::default() };
    Weights { words: weights.text_weight as f32, vectors: weights.embedding_weight as f32 }
}

/// The best hits of several searches, each passage once.
#[derive(Default)]
struct Best(HashMap<(String, String, u32), Hit>);

impl Best {
    fn add(&mut self, store: &str, hits: Vec<Hit>) {
        for hit in hits {
            let key = (store.to_owned(), hit.file_id.clone(), hit.chunk.ordinal);
            let known = self.0.get(&key).is_some_and(|known| known.score >= hit.score);
            if !known {
                self.0.insert(key, hit);
            }
        }
    }

    /// The best first; of equal ones, always the same.
    fn in_order(self) -> Vec<(String, Hit)> {
        let mut hits: Vec<_> = self.0.into_iter().collect();
        hits.sort_by(|(a_key, a), (b_key, b)| b.score.total_cmp(&a.score).then_with(|| a_key.cmp(b_key)));
        hits.into_iter().map(|((store, ..), hit)| (store, hit)).collect()
    }
}
