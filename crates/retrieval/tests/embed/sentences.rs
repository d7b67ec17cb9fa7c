use cupola_retrieval::{Embedder, Purpose, embed::SentenceModel};
use safetensors::Dtype;
use serde_json::json;

use crate::{
    definition::{BERT, Variant, encode, gelu_tanh, mean, relu, unit},
    fixture::{Model, POSITIONS, WORDS},
};

async fn embed(model: &Model, texts: &[&str]) -> Vec<Vec<f32>> {
    let directory = model.write();
    SentenceModel::open(directory.path()).unwrap().embed(texts, Purpose::Passage).await.unwrap()
}

/// The tokens of words that are separated by spaces, between those that begin and end a text.
fn tokens(words: &str) -> Vec<(usize, usize)> {
    let words = format!("[CLS] {words} [SEP]");
    let ids = words.split_whitespace().map(|word| WORDS.iter().position(|known| *known == word).unwrap());
    ids.map(|id| (id, 0)).collect()
}

fn defined(model: &Model, words: &str, variant: Variant) -> Vec<f64> {
    unit(&mean(&encode(model, &tokens(words), variant)))
}

#[track_caller]
fn assert_close(vector: &[f32], expected: &[f64]) {
    assert_eq!(vector.len(), expected.len());
    let off = vector.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(off < 1e-5, "off by {off}: {vector:?} instead of {expected:?}");
}

#[tokio::test]
async fn vectors_are_what_the_definition_says() {
    let model = Model::new();
    let vectors = embed(&model, &["a cat", "The cats sat!", ""]).await;
    assert_close(&vectors[0], &defined(&model, "a cat", BERT));
    assert_close(&vectors[1], &defined(&model, "the cat ##s sat [UNK]", BERT));
    assert_close(&vectors[2], &defined(&model, "", BERT));
}

#[tokio::test]
async fn the_first_token_stands_for_the_text_where_the_model_says_so() {
    let model = Model::new().with_file("1_Pooling/config.json", json!({"pooling_mode_cls_token": true}));
    let vectors = embed(&model, &["on the mat"]).await;
    assert_close(&vectors[0], &unit(&encode(&model, &tokens("on the mat"), BERT)[0]));
}

#[tokio::test]
async fn the_newer_form_of_the_pooling_configuration_is_understood() {
    let model = Model::new().with_file("1_Pooling/config.json", json!({"pooling_mode": "cls"}));
    let vectors = embed(&model, &["on the mat"]).await;
    assert_close(&vectors[0], &unit(&encode(&model, &tokens("on the mat"), BERT)[0]));
}

#[tokio::test]
async fn without_modules_the_mean_is_taken() {
    let mut model = Model::new();
    model.files.remove("modules.json");
    model.files.remove("1_Pooling/config.json");
    assert_close(&embed(&model, &["a cat"]).await[0], &defined(&model, "a cat", BERT));
}

#[tokio::test]
async fn positions_of_roberta_begin_after_the_padding() {
    let model = Model::new()
        .with_config("model_type", json!("xlm-roberta"))
        .with_config("pad_token_id", json!(1))
        .renamed(|name| format!("roberta.{name}"));
    let plain = model.clone().renamed(|name| name.trim_start_matches("roberta.").into());
    let variant = Variant { first_position: 2, ..BERT };
    assert_close(&embed(&model, &["a cat"]).await[0], &defined(&plain, "a cat", variant));
}

#[tokio::test]
async fn every_activation_is_the_one_that_is_named() {
    for (name, activation) in [("gelu_new", gelu_tanh as fn(f64) -> f64), ("relu", relu)] {
        let model = Model::new().with_config("hidden_act", json!(name));
        let variant = Variant { activation, ..BERT };
        assert_close(&embed(&model, &["a cat"]).await[0], &defined(&model, "a cat", variant));
    }
}

#[tokio::test]
async fn weights_may_have_half_the_precision() {
    for dtype in [Dtype::F16, Dtype::BF16] {
        let model = Model::new().in_type(dtype);
        assert_close(&embed(&model, &["the cat sat"]).await[0], &defined(&model, "the cat sat", BERT));
    }
}

#[tokio::test]
async fn tensors_are_found_under_the_names_of_older_and_larger_models() {
    let model = Model::new();
    let renamed = model.clone().renamed(|name| {
        let name =
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        format!("bert.{name}")
    });
    assert_close(&embed(&renamed, &["a cat"]).await[0], &defined(&model, "a cat", BERT));
}

#[tokio::test]
async fn no_part_of_a_long_text_goes_unseen() {
    let model = Model::new().with_file("sentence_bert_config.json", json!({"max_seq_length": 6}));
    let vectors = embed(&model, &["the cat sat on the mat a cat sat"]).await;
    let pieces = ["the cat sat on", "the mat a cat", "sat"];
    let rows = pieces.iter().flat_map(|piece| encode(&model, &tokens(piece), BERT)).collect();
    assert_close(&vectors[0], &unit(&mean(&rows)));
}

#[tokio::test]
async fn a_sequence_is_never_longer_than_the_model_has_positions() {
    let model = Model::new().with_file("sentence_bert_config.json", json!({"max_seq_length": 5000}));
    let directory = model.write();
    let model = SentenceModel::open(directory.path()).unwrap();
    assert_eq!(model.longest(), POSITIONS);
    let text = "the cat sat on the mat ".repeat(20);
    assert_eq!(model.embed(&[&text], Purpose::Query).await.unwrap()[0].len(), model.dimensions());
}

#[tokio::test]
async fn many_texts_get_the_vectors_that_each_gets_alone_in_their_order() {
    let directory = Model::new().write();
    let model = SentenceModel::open(directory.path()).unwrap();
    let texts: Vec<String> = (0..100).map(|place| WORDS[4..][place % 8..].join(" ")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = model.embed(&texts, Purpose::Passage).await.unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(&model.embed(&[text], Purpose::Query).await.unwrap()[0], vector, "{text}");
    }
}

#[tokio::test]
async fn questions_and_passages_get_the_prompts_that_the_model_was_made_with() {
    let prompts = json!({"prompts": {"query": "query ", "passage": "a "}, "default_prompt_name": null});
    let model = Model::new().with_file("config_sentence_transformers.json", prompts);
    let directory = model.write();
    let opened = SentenceModel::open(directory.path()).unwrap();
    let query = opened.embed(&["cat"], Purpose::Query).await.unwrap();
    let passage = opened.embed(&["cat"], Purpose::Passage).await.unwrap();
    assert_close(&query[0], &defined(&model, "query cat", BERT));
    assert_close(&passage[0], &defined(&model, "a cat", BERT));
}

#[test]
fn another_model_of_the_same_name_is_told_apart() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("tiny");
    std::fs::create_dir(&directory).unwrap();
    let mut model = Model::new();
    let name = || SentenceModel::open(&directory).unwrap().model().to_owned();

    model.write_to(&directory);
    let first = name();
    assert!(first.starts_with("tiny@"), "{first}");
    model.write_to(&directory);
    assert_eq!(name(), first);

    model.tensors.get_mut("encoder.layer.1.output.dense.weight").unwrap().values[0] += 0.5;
    model.write_to(&directory);
    assert_ne!(name(), first);
}
