//! How good searches are, by the labelled set.

use std::{collections::BTreeMap, sync::Arc};

use cupola_retrieval::{Library, Models, Weights, embed::SentenceModel};
use serde_json::{Value, json};

use crate::{
    Outcome,
    labelled::{Kind, Labelled, mean},
};

/// Measures searches by words, and with a model also those by vectors and by both.
pub async fn measure(model: Option<&str>) -> Outcome<Value> {
    let (set, folder) = (Labelled::read()?, tempfile::tempdir()?);
    let mut models = Models::default();
    if let Some(directory) = model {
        models.embedder = Some(Arc::new(SentenceModel::open(directory)?));
    }
    let library = set.library(folder.path(), models).await?;
    let words = gains(&set, &library, Weights { words: 1.0, vectors: 0.0 }).await?;
    if model.is_none() {
        return Ok(json!({ "words": words }));
    }
    Ok(json!({
        "words": words,
        "vectors": gains(&set, &library, Weights { words: 0.0, vectors: 1.0 }).await?,
        "hybrid": gains(&set, &library, Weights::default()).await?,
    }))
}

/// The mean gain of all questions and of those of each kind, and the gain of each.
async fn gains(set: &Labelled, library: &Library, weights: Weights) -> Outcome<Value> {
    let gains = set.gains(library, weights).await?;
    let of_kind = |kind| {
        let asked = set.questions.iter().zip(&gains).filter(|(question, _)| question.kind == kind);
        mean(&asked.map(|(_, gain)| *gain).collect::<Vec<_>>())
    };
    Ok(json!({
        "all": mean(&gains),
        "rare_words": of_kind(Kind::Words),
        "paraphrases": of_kind(Kind::Meaning),
        "mixed": of_kind(Kind::Both),
        "each": set.questions.iter().map(|question| question.id.as_str()).zip(gains).collect::<BTreeMap<_, _>>(),
    }))
}
