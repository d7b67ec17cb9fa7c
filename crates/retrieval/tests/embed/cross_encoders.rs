use cupola_retrieval::{Reranker, embed::CrossEncoder};
use serde_json::json;

use crate::{
    definition::{BERT, Variant, encode, linear},
    fixture::{Model, POSITIONS, WORDS},
};

/// The tokens of a pair: words that are separated by spaces, between those that begin and end a text.
fn tokens(query: &str, passage: &str) -> Vec<(usize, usize)> {
    let first = format!("[CLS] {query} [SEP]");
    let second = format!("{passage} [SEP]");
    let ids = |words: &str, kind: usize| {
        let words =
            words.split_whitespace().map(|word| WORDS.iter().position(|known| *known == word).unwrap());
        words.map(|id| (id, kind)).collect::<Vec<_>>()
    };
    [ids(&first, 0), ids(&second, 1)].concat()
}

/// The score by the definition, from an encoder without a prefix and a model that has dense and output
/// layers.
fn defined(
    encoder: &Model,
    head: &Model,
    layers: [&str; 2],
    pair: &[(usize, usize)],
    variant: Variant,
) -> f64 {
    let first = encode(encoder, pair, variant)[0].clone();
    let mut seen = linear(head, layers[0], &vec![first]);
    seen[0].iter_mut().for_each(|value| *value = value.tanh());
    let logit = linear(head, layers[1], &seen)[0][0];
    1.0 / (1.0 + (-logit).exp())
}

#[track_caller]
fn assert_close(score: f32, expected: f64) {
    assert!((f64::from(score) - expected).abs() < 1e-5, "{score} instead of {expected}");
}

#[tokio::test]
async fn passages_are_judged_as_the_definition_says() {
    let encoder = Model::new();
    let model = encoder.clone().judging(1);
    let directory = model.write();
    let judge = CrossEncoder::open(directory.path()).unwrap();
    let scores = judge.rerank("a cat", &["the cat sat", "on the mat"]).await.unwrap();
    for (score, passage) in scores.iter().zip(["the cat sat", "on the mat"]) {
        let pair = tokens("a cat", passage);
        assert_close(*score, defined(&encoder, &model, ["bert.pooler.dense", "classifier"], &pair, BERT));
    }
    assert_ne!(scores[0], scores[1]);
}

#[tokio::test]
async fn robertas_judge_with_a_head_of_their_own() {
    let encoder =
        Model::new().with_config("model_type", json!("xlm-roberta")).with_config("pad_token_id", json!(1));
    let model = encoder.clone().judging(1);
    let directory = model.write();
    let scores = CrossEncoder::open(directory.path()).unwrap().rerank("a", &["mat"]).await.unwrap();
    let variant = Variant { first_position: 2, ..BERT };
    let layers = ["classifier.dense", "classifier.out_proj"];
    assert_close(scores[0], defined(&encoder, &model, layers, &tokens("a", "mat"), variant));
}

#[tokio::test]
async fn a_long_passage_is_read_as_far_as_it_fits() {
    let encoder = Model::new();
    let model = encoder.clone().judging(1);
    let directory = model.write();
    let passage = "the cat sat on the mat ".repeat(5);
    let scores = CrossEncoder::open(directory.path()).unwrap().rerank("a cat", &[&passage]).await.unwrap();
    let room = POSITIONS - 3 - 2;
    let read = passage.split_whitespace().take(room).collect::<Vec<_>>().join(" ");
    let pair = tokens("a cat", &read);
    assert_close(scores[0], defined(&encoder, &model, ["bert.pooler.dense", "classifier"], &pair, BERT));
}

#[tokio::test]
async fn many_passages_keep_their_order() {
    let directory = Model::new().judging(1).write();
    let judge = CrossEncoder::open(directory.path()).unwrap();
    let passages: Vec<&str> = WORDS[4..].iter().copied().cycle().take(50).collect();
    let together = judge.rerank("the mat", &passages).await.unwrap();
    assert_eq!(together.len(), passages.len());
    for (passage, score) in passages.iter().zip(&together) {
        assert_eq!(judge.rerank("the mat", &[passage]).await.unwrap()[0], *score, "{passage}");
    }
}

#[test]
fn a_model_that_does_not_judge_is_called_that() {
    let told = |model: &Model| CrossEncoder::open(model.write().path()).unwrap_err().to_string();
    let classifier = told(&Model::new().judging(3));
    assert!(classifier.contains("config.json: this model tells 3 labels apart"), "{classifier}");
    let sentences = told(&Model::new().with_config("id2label", json!({"0": "LABEL_0"})));
    assert!(
        sentences.contains("model.safetensors: the tensor `pooler.dense.weight` is missing"),
        "{sentences}"
    );
}
