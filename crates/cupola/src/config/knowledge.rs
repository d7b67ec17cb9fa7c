//! `[knowledge]`: what searching uses beside words.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;

use super::{durations, sections::size};

/// `[knowledge]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KnowledgeConfig {
    /// The deployment that embeds.
    pub embedding: Option<String>,
    /// The directory of the local model that embeds.
    pub embedding_model: Option<PathBuf>,
    /// How many dimensions a deployment is asked for.
    pub dimensions: Option<NonZeroU32>,
    /// The deployment that judges what was found.
    pub reranker: Option<String>,
    /// The directory of the local model that judges what was found.
    pub reranker_model: Option<PathBuf>,
    /// The most texts in one call of a deployment.
    pub max_batch: NonZeroUsize,
    /// The most calls of a deployment at once.
    pub max_calls: NonZeroUsize,
    /// How long one call may take.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub answer_within: Duration,
}

impl Default for KnowledgeConfig {
    fn default() -> Self {
        Self {
            embedding: None,
            embedding_model: None,
            dimensions: None,
            reranker: None,
            reranker_model: None,
            max_batch: size(32),
            max_calls: size(4),
            answer_within: Duration::from_secs(60),
        }
    }
}

impl KnowledgeConfig {
    /// The first key that does not go with another one, and why.
    pub(super) fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        if self.embedding.is_some() && self.embedding_model.is_some() {
            return Some(("knowledge.embedding_model", "give either this or `knowledge.embedding`"));
        }
        if self.reranker.is_some() && self.reranker_model.is_some() {
            return Some(("knowledge.reranker_model", "give either this or `knowledge.reranker`"));
        }
        if self.dimensions.is_some() && self.embedding.is_none() {
            return Some((
                "knowledge.dimensions",
                "only a deployment in `knowledge.embedding` can be asked for these",
            ));
        }
        None
    }
}
