//! Vectors of memories, where the store's embedding model is there. Where it is not, words decide.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cupola_retrieval::unit_length;
use tokio::time::timeout;

use super::{
    Memories,
    record::{Store, Vector},
};

/// How long an embedder is waited for.
const WITHIN: Duration = Duration::from_secs(30);

impl Memories {
    /// Vectors of texts, and how many tokens that took; none, where nobody makes any.
    pub(super) async fn embed(&self, store: &Store, texts: &[&str]) -> (Vec<Vector>, u64) {
        let model = &store.definition.embedding_model;
        let Ok(resolved) = self.deployments().resolve(model) else { return (Vec::new(), 0) };
        let made = match timeout(WITHIN, resolved.embed(texts, None)).await {
            Ok(Ok(made)) if made.len() == texts.len() => made,
            Ok(Ok(_)) | Err(_) => return (Vec::new(), 0),
            Ok(Err(error)) => {
                tracing::debug!(model, %error, "there are no vectors of memories; words decide");
                return (Vec::new(), 0);
            }
        };
        let tokens =
            texts.iter().map(|text| resolved.provider.count_tokens(&resolved.model, text) as u64).sum();
        let vectors = made.into_iter().map(|mut numbers| {
            unit_length(&mut numbers);
            Vector::of(model, &numbers)
        });
        (vectors.collect(), tokens)
    }
}

impl Vector {
    /// A vector that this model has made.
    pub fn of(model: &str, numbers: &[f32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Self { model: model.to_owned(), numbers: BASE64_STANDARD.encode(bytes) }
    }

    /// How close two vectors are, from -1 to 1; those of different models can't be compared.
    pub fn likeness(&self, other: &Self) -> Option<f32> {
        let (ours, theirs) = (self.read()?, other.read()?);
        let comparable = self.model == other.model && ours.len() == theirs.len();
        comparable.then(|| ours.iter().zip(&theirs).map(|(a, b)| a * b).sum())
    }

    fn read(&self) -> Option<Vec<f32>> {
        let bytes = BASE64_STANDARD.decode(&self.numbers).ok()?;
        let numbers =
            bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        Some(numbers.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_one_model_can_be_compared() {
        let (a, b) = (Vector::of("m", &[1.0, 0.0]), Vector::of("m", &[0.6, 0.8]));
        assert_eq!(a.likeness(&b), Some(0.6));
        assert_eq!(a.likeness(&Vector::of("n", &[0.6, 0.8])), None);
        assert_eq!(a.likeness(&Vector::of("m", &[1.0])), None);
    }
}
