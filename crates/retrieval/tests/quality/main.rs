//! How good searches are, by the labelled set in `data/quality`.
#![allow(clippy::unwrap_used, missing_docs)]

mod gain;
mod labelled;

use std::{collections::HashSet, env, sync::Arc};

use cupola_retrieval::{Embedder, Models, Weights, embed::SentenceModel};

use gain::ndcg;
use labelled::{DEPTH, Kind, Labelled, mean};

const WORDS: Weights = Weights { words: 1.0, vectors: 0.0 };
const VECTORS: Weights = Weights { words: 0.0, vectors: 1.0 };

#[test]
fn the_gain_is_one_for_the_best_order_and_less_for_every_other() {
    assert_eq!(ndcg(&[3, 2, 0, 1], [1, 2, 3].into_iter(), 2), 1.0);
    assert_eq!(ndcg(&[0, 0], [3].into_iter(), 10), 0.0);
    // (1 / log2(3)) of what it could be.
    assert!((ndcg(&[0, 3], [3].into_iter(), 10) - 0.630_93).abs() < 1e-5);
    assert!(ndcg(&[2, 3], [3, 2].into_iter(), 10) < 1.0);
}

#[test]
fn every_question_of_the_labelled_set_can_be_answered_by_its_passages() {
    let set = Labelled::read().unwrap();
    assert_eq!(set.passages.len(), 120);
    let ids: HashSet<&str> = set.passages.iter().map(|passage| passage.id.as_str()).collect();
    let questions: HashSet<&str> = set.questions.iter().map(|question| question.id.as_str()).collect();
    assert_eq!((ids.len(), questions.len()), (set.passages.len(), set.questions.len()));
    assert!(set.passages.iter().all(|passage| !passage.text.trim().is_empty()));
    for question in &set.questions {
        let grades = || question.relevant.values();
        assert!(question.relevant.keys().all(|id| ids.contains(id.as_str())), "{question:?}");
        assert!(grades().all(|grade| (1..=3).contains(grade)), "{question:?}");
        assert!(grades().any(|grade| *grade >= 2), "nothing answers {question:?}");
        assert!(question.relevant.len() <= DEPTH && !question.text.trim().is_empty(), "{question:?}");
    }
    for kind in [Kind::Words, Kind::Meaning, Kind::Both] {
        assert!(set.questions.iter().filter(|question| question.kind == kind).count() >= 15, "{kind:?}");
    }
}

#[tokio::test]
async fn words_alone_find_what_shares_rare_words_with_a_question() {
    let (set, folder) = (Labelled::read().unwrap(), tempfile::tempdir().unwrap());
    let library = set.library(folder.path(), Models::default()).await.unwrap();
    let gains = set.gains(&library, WORDS).await.unwrap();
    let of_kind: Vec<f64> = (set.questions.iter().zip(&gains))
        .filter_map(|(question, gain)| (question.kind == Kind::Words).then_some(*gain))
        .collect();
    assert!(mean(&of_kind) >= 0.9, "nDCG@10 of questions with rare words is {}", mean(&of_kind));
    assert!(mean(&gains) >= 0.55, "nDCG@10 of all questions is {}", mean(&gains));
}

#[tokio::test]
async fn words_and_vectors_together_are_better_than_either() {
    let Some(directory) = env::var_os("CUPOLA_EMBEDDING_MODEL") else {
        eprintln!("skipped: CUPOLA_EMBEDDING_MODEL names no directory of a sentence-transformers model");
        return;
    };
    let (set, folder) = (Labelled::read().unwrap(), tempfile::tempdir().unwrap());
    let embedder: Arc<dyn Embedder> = Arc::new(SentenceModel::open(directory).unwrap());
    let models = Models { embedder: Some(embedder), ..Models::default() };
    let library = set.library(folder.path(), models).await.unwrap();
    let words = mean(&set.gains(&library, WORDS).await.unwrap());
    let vectors = mean(&set.gains(&library, VECTORS).await.unwrap());
    let hybrid = mean(&set.gains(&library, Weights::default()).await.unwrap());
    assert!(hybrid >= words.max(vectors), "words {words}, vectors {vectors}, hybrid {hybrid}");
}
