//! A deployment as a reranker.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use cupola_models::catalog::Resolved;
use cupola_retrieval::{EmbedError, Reranker};

use super::deployment::{CallError, Limits, answered, batches, name};

/// Passages are cut no shorter than this, in bytes.
const SHORTEST: usize = 256;

/// Judges passages with a deployment of a server that has `/rerank`.
#[derive(Debug)]
pub(super) struct DeploymentReranker {
    deployment: Resolved,
    name: String,
    limits: Limits,
    /// The server gave a score outside of [0, 1] once: what it gives are logits.
    gives_logits: AtomicBool,
    /// The most bytes of a passage that are sent.
    longest: AtomicUsize,
}

impl DeploymentReranker {
    pub(super) fn new(deployment: Resolved, limits: Limits) -> Self {
        Self {
            name: name(&deployment),
            deployment,
            limits,
            gives_logits: AtomicBool::new(false),
            longest: AtomicUsize::new(usize::MAX),
        }
    }

    /// Scores as the server gives them. What it does not take whole is judged by its beginning.
    async fn judge(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError> {
        loop {
            let longest = self.longest.load(Ordering::Relaxed);
            let cut = passages.iter().map(|passage| &passage[..passage.floor_char_boundary(longest)]);
            let sent: Vec<&str> = cut.collect();
            let call = self.deployment.rerank(query, &sent);
            match answered(call, &self.deployment, self.limits).await {
                Err(CallError::TooMuch(error)) => {
                    let largest = sent.iter().map(|passage| passage.len()).max().unwrap_or_default();
                    if largest < 2 * SHORTEST {
                        return Err(error);
                    }
                    self.longest.fetch_min(largest / 2, Ordering::Relaxed);
                }
                other => return Ok(other?),
            }
        }
    }
}

#[async_trait]
impl Reranker for DeploymentReranker {
    fn model(&self) -> &str {
        &self.name
    }

    async fn rerank(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError> {
        let mut scores = Vec::with_capacity(passages.len());
        for batch in batches(passages, self.limits.texts) {
            scores.append(&mut self.judge(query, batch).await?);
        }
        if scores.iter().any(|score| !(0.0..=1.0).contains(score)) {
            self.gives_logits.store(true, Ordering::Relaxed);
        }
        if self.gives_logits.load(Ordering::Relaxed) {
            scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp()));
        }
        Ok(scores)
    }
}

#[cfg(test)]
#[path = "reranking_tests.rs"]
mod tests;
