//! The settings of `file_search`, in the form that both dialects bring them to.

use serde::Deserialize;
use serde_json::Value;

/// How many passages are given where nobody says, and the most that may be asked for.
const DEFAULT_RESULTS: u64 = 20;
const MOST_RESULTS: u64 = 50;
/// What turns reranking off.
const NO_RANKER: &str = "none";

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Settings {
    /// The stores that are searched.
    #[serde(default)]
    pub vector_store_ids: Vec<String>,
    /// How many passages at most.
    #[serde(default)]
    pub max_num_results: Option<u64>,
    /// How passages are ranked.
    #[serde(default)]
    pub ranking_options: Option<RankingOptions>,
    /// Which files may be found.
    #[serde(default)]
    pub filters: Option<Value>,
    /// What the model is told beside the tool's own description.
    #[serde(default)]
    pub description: Option<String>,
}

/// How passages are ranked.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RankingOptions {
    /// `none`, `auto` or the name of a ranker.
    #[serde(default)]
    pub ranker: Option<String>,
    /// The least score that a passage must have.
    #[serde(default)]
    pub score_threshold: Option<f64>,
    /// How much meaning and words count.
    #[serde(default)]
    pub hybrid_search: Option<Value>,
}

impl Settings {
    /// How many passages at most.
    pub fn limit(&self) -> usize {
        let limit = self.max_num_results.unwrap_or(DEFAULT_RESULTS).clamp(1, MOST_RESULTS);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// Whether a reranker may judge the best passages.
    pub fn may_rerank(&self) -> bool {
        let ranker = self.ranking_options.as_ref().and_then(|options| options.ranker.as_deref());
        ranker != Some(NO_RANKER)
    }

    /// The least score that a passage must have.
    pub fn threshold(&self) -> f64 {
        let threshold = self.ranking_options.as_ref().and_then(|options| options.score_threshold);
        threshold.unwrap_or_default()
    }

    /// How much meaning and words count.
    pub fn weights(&self) -> Option<Value> {
        self.ranking_options.as_ref().and_then(|options| options.hybrid_search.clone())
    }
}
