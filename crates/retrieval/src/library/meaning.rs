//! The models of a library, and questions as they know them.

use std::sync::Arc;

use crate::{Chunk, EmbedError, Embedder, Purpose, QueryVector, Reranker};

/// Texts that are embedded at once.
const AT_ONCE: usize = 256;

/// The models that a library uses, as far as there are any.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// Turns texts into vectors. Without one, searches go by words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Judges the best passages.
    pub reranker: Option<Arc<dyn Reranker>>,
}

impl Models {
    /// A vector for each chunk; none where there is no embedder.
    pub async fn embed(&self, chunks: &[Chunk]) -> Result<Option<Vec<Vec<f32>>>, EmbedError> {
        let Some(embedder) = &self.embedder else { return Ok(None) };
        let mut vectors = Vec::with_capacity(chunks.len());
        for some in chunks.chunks(AT_ONCE) {
            let texts: Vec<&str> = some.iter().map(|chunk| chunk.text.as_str()).collect();
            let made = embedder.embed(&texts, Purpose::Passage).await?;
            if made.len() != texts.len() {
                let (wanted, got) = (texts.len(), made.len());
                let message = format!("'{}' gave {got} vectors for {wanted} texts", embedder.model());
                return Err(EmbedError { message, is_transient: false });
            }
            vectors.extend(made);
        }
        Ok(Some(vectors))
    }

    /// A text as it is looked for. Where it can't be embedded, words alone decide.
    pub async fn question(&self, text: &str) -> Question {
        let mut question = Question { text: text.to_owned(), vector: None };
        let Some(embedder) = &self.embedder else { return question };
        match embedder.embed(&[text], Purpose::Query).await {
            Ok(mut vectors) => {
                question.vector = vectors.pop().map(|vector| (embedder.model().to_owned(), vector));
            }
            Err(error) => {
                tracing::warn!(%error, "a question could not be embedded; the search goes by words alone");
            }
        }
        question
    }
}

/// A text that is looked for.
#[derive(Clone, Debug)]
pub struct Question {
    text: String,
    vector: Option<(String, Vec<f32>)>,
}

impl Question {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its vector.
    pub fn vector(&self) -> Option<QueryVector<'_>> {
        let (model, vector) = self.vector.as_ref()?;
        Some(QueryVector { model, vector })
    }
}
