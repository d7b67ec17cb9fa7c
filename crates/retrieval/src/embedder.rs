//! Who turns texts into vectors, and who judges passages.

use std::fmt;

use async_trait::async_trait;

/// What a text is embedded for. Some models want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be found.
    Passage,
    /// To find others.
    Query,
}

/// Turns texts into vectors of unit length.
#[async_trait]
pub trait Embedder: Send + Sync + fmt::Debug {
    /// The model. Vectors of different models are not compared.
    fn model(&self) -> &str;

    /// A vector for each text, in their order. All have the same number of dimensions.
    async fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Says how well passages answer a query.
#[async_trait]
pub trait Reranker: Send + Sync + fmt::Debug {
    /// The model.
    fn model(&self) -> &str;

    /// A score in [0, 1] for each passage, in their order.
    async fn rerank(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError>;
}

/// Why there are no vectors or scores.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EmbedError {
    /// What happened, in a sentence.
    pub message: String,
    /// Whether the same may work later.
    pub is_transient: bool,
}
