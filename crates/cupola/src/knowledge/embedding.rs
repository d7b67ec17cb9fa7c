//! A deployment as an embedder.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use cupola_models::catalog::Resolved;
use cupola_retrieval::{EmbedError, Embedder, Purpose, unit_length};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use tokio::sync::Semaphore;

use super::deployment::{CallError, Limits, answered, batches, name};

/// Pieces of a text get no smaller than this, in bytes: a server that takes not even so much is broken
/// otherwise.
const SHORTEST: usize = 256;

/// Embeds with a deployment of an OpenAI-compatible server.
///
/// A text that is longer than what the server takes is sent in pieces, and its vector is their mean. What
/// it takes is found out from its refusals, because no server tells it.
#[derive(Debug)]
pub(super) struct DeploymentEmbedder {
    deployment: Resolved,
    name: String,
    dimensions: Option<u32>,
    limits: Limits,
    /// How many dimensions the first answer had. All others must have the same.
    seen: OnceLock<usize>,
    /// The most bytes of a text that are sent in one piece.
    longest: AtomicUsize,
    passages: Semaphore,
}

impl DeploymentEmbedder {
    pub(super) fn new(deployment: Resolved, dimensions: Option<u32>, limits: Limits) -> Self {
        let model = name(&deployment);
        Self {
            name: dimensions.map_or(model.clone(), |number| format!("{model}@{number}")),
            deployment,
            dimensions,
            limits,
            seen: OnceLock::new(),
            longest: AtomicUsize::new(usize::MAX),
            passages: Semaphore::new(limits.calls),
        }
    }

    /// Vectors for texts of one batch. When they are too much for the server, for halves of it.
    fn embed_some<'a>(
        &'a self,
        texts: &'a [&'a str],
        purpose: Purpose,
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, EmbedError>> {
        async move {
            let longest = self.longest.load(Ordering::Relaxed);
            let pieces: Vec<Vec<&str>> = texts.iter().map(|text| pieces(text, longest)).collect();
            let flat: Vec<&str> = pieces.iter().flatten().copied().collect();
            match (self.call(&flat, purpose).await, texts) {
                (Ok(vectors), _) => Ok(joined(vectors, &pieces)),
                (Err(CallError::TooMuch(_)), [_, _, ..]) => {
                    let (first, second) = texts.split_at(texts.len() / 2);
                    let mut vectors = self.embed_some(first, purpose).await?;
                    vectors.append(&mut self.embed_some(second, purpose).await?);
                    Ok(vectors)
                }
                (Err(CallError::TooMuch(error)), _) => {
                    let largest = flat.iter().map(|piece| piece.len()).max().unwrap_or_default();
                    if largest < 2 * SHORTEST {
                        return Err(error);
                    }
                    self.longest.fetch_min(largest / 2, Ordering::Relaxed);
                    tracing::debug!(model = self.name, bytes = largest / 2, "texts are embedded in pieces");
                    self.embed_some(texts, purpose).await
                }
                (Err(error), _) => Err(error.into()),
            }
        }
        .boxed()
    }

    async fn call(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>, CallError> {
        // Somebody waits for the answer to a query: it does not stand in line behind an ingestion.
        let _turn = match purpose {
            Purpose::Passage => self.passages.acquire().await.ok(),
            Purpose::Query => None,
        };
        let call = self.deployment.embed(texts, self.dimensions);
        let mut vectors = answered(call, &self.deployment, self.limits).await?;
        let found = vectors.first().map_or(0, Vec::len);
        let expected = *self.seen.get_or_init(|| found);
        if found != expected {
            let name = &self.name;
            let message =
                format!("{name} answers with {found} dimensions now, where it had {expected} before.");
            return Err(CallError::Other(EmbedError { message, is_transient: false }));
        }
        vectors.iter_mut().for_each(|vector| unit_length(vector));
        Ok(vectors)
    }
}

#[async_trait]
impl Embedder for DeploymentEmbedder {
    fn model(&self) -> &str {
        &self.name
    }

    async fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let batches = batches(texts, self.limits.texts);
        let calls: Vec<_> = batches.map(|batch| self.embed_some(batch, purpose)).collect();
        stream::iter(calls).buffered(self.limits.calls).try_concat().await
    }
}

/// A text in as many pieces of about the same size as it takes; whole if that is possible.
fn pieces(text: &str, longest: usize) -> Vec<&str> {
    let count = text.len().div_ceil(longest.max(1)).max(1);
    let target = text.len().div_ceil(count);
    let mut pieces = Vec::with_capacity(count);
    let mut rest = text;
    while rest.len() > target {
        let (piece, others) = rest.split_at(rest.ceil_char_boundary(target));
        pieces.push(piece);
        rest = others;
    }
    pieces.push(rest);
    pieces
}

/// One vector for each text: the mean of those of its pieces, by their lengths.
fn joined(vectors: Vec<Vec<f32>>, pieces: &[Vec<&str>]) -> Vec<Vec<f32>> {
    let mut vectors = vectors.into_iter();
    let of_text = |pieces: &Vec<&str>| {
        let mut parts = vectors.by_ref().take(pieces.len());
        if pieces.len() == 1 {
            return parts.next().unwrap_or_default();
        }
        let mut mean = Vec::new();
        for (part, piece) in parts.zip(pieces) {
            mean.resize(part.len(), 0.0);
            mean.iter_mut().zip(part).for_each(|(sum, value)| *sum += value * piece.len() as f32);
        }
        unit_length(&mut mean);
        mean
    };
    pieces.iter().map(of_text).collect()
}

#[cfg(test)]
#[path = "embedding_tests.rs"]
mod tests;
