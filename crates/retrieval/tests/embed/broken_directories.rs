use std::{fs, path::Path};

use cupola_retrieval::{Embedder, Purpose, embed::SentenceModel};
use safetensors::Dtype;
use serde_json::json;

use crate::fixture::{Model, Tensor};

/// What is said about a model that was written and then changed: the file and the sentence.
#[track_caller]
fn told(model: &Model, change: impl Fn(&Path)) -> (String, String) {
    let directory = model.write();
    change(directory.path());
    let broken = SentenceModel::open(directory.path()).unwrap_err();
    let file = broken.file.strip_prefix(directory.path()).unwrap().to_string_lossy().into_owned();
    assert!(broken.to_string().contains(&broken.reason), "{broken}");
    (file, broken.reason)
}

async fn told_when_used(model: &Model) -> String {
    let directory = model.write();
    let error =
        SentenceModel::open(directory.path()).unwrap().embed(&["a"], Purpose::Query).await.unwrap_err();
    assert!(!error.is_transient, "{error}");
    error.message
}

#[track_caller]
fn assert_told(model: &Model, change: impl Fn(&Path), file: &str, reason: &str) {
    let told = told(model, change);
    assert_eq!(told.0, file, "{}", told.1);
    assert!(told.1.contains(reason), "{}", told.1);
}

#[test]
fn a_file_that_is_missing_is_named() {
    for file in ["config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json"] {
        let remove = |directory: &Path| fs::remove_file(directory.join(file)).unwrap();
        assert_told(&Model::new(), remove, file, "missing");
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let place = tempfile::tempdir().unwrap();
    let broken = SentenceModel::open(place.path().join("nowhere")).unwrap_err();
    assert!(broken.to_string().ends_with("nowhere: there is no such directory"), "{broken}");
}

#[test]
fn weights_in_another_format_are_told_how_to_convert() {
    let rename = |directory: &Path| {
        fs::rename(directory.join("model.safetensors"), directory.join("pytorch_model.bin")).unwrap();
    };
    assert_told(&Model::new(), rename, "model.safetensors", "safe_serialization=True");
}

#[test]
fn a_file_of_weights_that_is_cut_off_is_told() {
    for (keep, reason) in [(4, "too short"), (40, "cut off"), (5000, "copied whole")] {
        let cut = |directory: &Path| {
            let path = directory.join("model.safetensors");
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..keep]).unwrap();
        };
        assert_told(&Model::new(), cut, "model.safetensors", reason);
    }
}

#[test]
fn files_that_are_something_else_are_told() {
    let page = b"<!doctype html><html><body>Please log in to download this file.</body></html>";
    for (file, reason) in [
        ("config.json", "can't be understood"),
        ("modules.json", "can't be understood"),
        ("model.safetensors", "no safetensors file"),
    ] {
        let replace = |directory: &Path| fs::write(directory.join(file), page).unwrap();
        assert_told(&Model::new(), replace, file, reason);
    }
}

#[test]
fn a_tensor_that_is_missing_or_of_another_shape_or_type_is_named() {
    let name = "encoder.layer.1.output.dense.weight";
    let mut model = Model::new();
    model.tensors.remove(name);
    assert_told(&model, |_| (), "model.safetensors", &format!("`{name}` is missing"));
    model.tensors.insert(name.into(), Tensor { shape: vec![3, 2], values: vec![0.0; 6] });
    assert_told(&model, |_| (), "model.safetensors", &format!("`{name}` has the shape [3, 2]"));
    assert_told(&Model::new().in_type(Dtype::F64), |_| (), "model.safetensors", "type F64");
    let none = Model::new().renamed(|name| format!("decoder.{name}"));
    assert_told(&none, |_| (), "model.safetensors", "holds no encoder");
}

#[test]
fn what_is_not_supported_is_called_that() {
    for (key, value, reason) in [
        ("model_type", json!("llama"), "\"llama\" are not supported"),
        ("hidden_act", json!("silu"), "\"silu\" is not supported"),
        ("position_embedding_type", json!("relative_key"), "\"relative_key\" is not supported"),
        ("num_attention_heads", json!(3), "not a multiple"),
        ("num_attention_heads", json!(0), "`num_attention_heads` is 0"),
    ] {
        assert_told(&Model::new().with_config(key, value), |_| (), "config.json", reason);
    }
    let pooling = json!({"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true});
    let model = Model::new().with_file("1_Pooling/config.json", pooling);
    assert_told(&model, |_| (), "1_Pooling/config.json", "not supported");
    let dense = json!([{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]);
    assert_told(&Model::new().with_file("modules.json", dense), |_| (), "modules.json", "models.Dense");
}

#[tokio::test]
async fn weights_that_are_no_numbers_are_told_when_the_model_is_loaded() {
    let mut model = Model::new();
    model.tensors.get_mut("embeddings.LayerNorm.bias").unwrap().values[1] = f32::NAN;
    let message = told_when_used(&model).await;
    assert!(message.contains("`embeddings.LayerNorm.bias` holds values that are no numbers"), "{message}");
}

#[tokio::test]
async fn a_tokenizer_of_another_model_is_told_when_the_model_is_loaded() {
    let mut model = Model::new().with_config("vocab_size", json!(10));
    let words = model.tensors.get_mut("embeddings.word_embeddings.weight").unwrap();
    words.shape[0] = 10;
    words.values.truncate(80);
    let message = told_when_used(&model).await;
    assert!(message.contains("tokenizer.json: it has a token 11, but the model knows only 10"), "{message}");

    let message = told_when_used(&Model::new().with_file("tokenizer.json", json!({}))).await;
    assert!(message.contains("tokenizer.json: it can't be understood"), "{message}");
}
