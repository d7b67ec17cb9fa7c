//! A tiny model with random weights, written as models are published.

use std::{collections::BTreeMap, fs, path::Path};

use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The words that it knows; the place of each is its token.
pub const WORDS: [&str; 12] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "cat", "sat", "on", "the", "mat", "##s", "query"];

pub const HIDDEN: usize = 8;
pub const HEADS: usize = 2;
pub const LAYERS: usize = 2;
const INTERMEDIATE: usize = 12;
pub const POSITIONS: usize = 14;

#[derive(Clone, Debug)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// A model that is not written yet.
#[derive(Clone)]
pub struct Model {
    pub tensors: BTreeMap<String, Tensor>,
    pub config: Value,
    pub dtype: Dtype,
    /// Further files by their paths.
    pub files: BTreeMap<&'static str, Value>,
}

impl Model {
    pub fn new() -> Self {
        let mut random = Random(7);
        let tensors = shapes().into_iter().map(|(name, shape)| {
            let length = shape.iter().product();
            let values = (0..length).map(|_| random.next()).collect();
            (name, Tensor { shape, values })
        });
        Self {
            tensors: tensors.collect(),
            config: json!({
                "model_type": "bert", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
                "num_attention_heads": HEADS, "intermediate_size": INTERMEDIATE, "hidden_act": "gelu",
                "vocab_size": WORDS.len(), "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
            }),
            dtype: Dtype::F32,
            files: BTreeMap::from([
                ("modules.json", modules()),
                ("1_Pooling/config.json", json!({"pooling_mode_mean_tokens": true})),
                ("tokenizer.json", tokenizer()),
            ]),
        }
    }

    /// The same encoder with a classifier on top, as its family has them.
    pub fn judging(mut self, labels: usize) -> Self {
        let is_roberta = self.config["model_type"] == "xlm-roberta";
        let (prefix, dense, output) = match is_roberta {
            true => ("roberta.", "classifier.dense", "classifier.out_proj"),
            false => ("bert.", "bert.pooler.dense", "classifier"),
        };
        self = self.renamed(|name| format!("{prefix}{name}"));
        let mut random = Random(11);
        for (name, outputs) in [(dense, HIDDEN), (output, labels)] {
            for (part, shape) in [("weight", vec![outputs, HIDDEN]), ("bias", vec![outputs])] {
                let values = (0..shape.iter().product()).map(|_| random.next()).collect();
                self.tensors.insert(format!("{name}.{part}"), Tensor { shape, values });
            }
        }
        let labels = (0..labels).map(|label| (label.to_string(), json!(format!("LABEL_{label}"))));
        self.with_config("id2label", Value::Object(labels.collect()))
    }

    pub fn with_file(mut self, path: &'static str, content: Value) -> Self {
        self.files.insert(path, content);
        self
    }

    pub fn with_config(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    /// Calls all tensors something else, as files of another making do.
    pub fn renamed(mut self, rename: impl Fn(&str) -> String) -> Self {
        self.tensors = self.tensors.into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect();
        self
    }

    /// With weights of another type, and the values that they have in it.
    pub fn in_type(mut self, dtype: Dtype) -> Self {
        self.dtype = dtype;
        for value in self.tensors.values_mut().flat_map(|tensor| &mut tensor.values) {
            *value = match dtype {
                Dtype::F16 => f16::from_f32(*value).to_f32(),
                Dtype::BF16 => bf16::from_f32(*value).to_f32(),
                _ => *value,
            };
        }
        self
    }

    pub fn write(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        self.write_to(directory.path());
        directory
    }

    pub fn write_to(&self, directory: &Path) {
        fs::write(directory.join("config.json"), self.config.to_string()).unwrap();
        for (path, content) in &self.files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content.to_string()).unwrap();
        }
        let bytes = self.tensors.iter().map(|(name, tensor)| (name, &tensor.shape, self.bytes(tensor)));
        let bytes: Vec<_> = bytes.collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            (name.as_str(), TensorView::new(self.dtype, shape.to_vec(), bytes).unwrap())
        });
        fs::write(directory.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    }

    fn bytes(&self, tensor: &Tensor) -> Vec<u8> {
        let values = tensor.values.iter().copied();
        match self.dtype {
            Dtype::F16 => values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect(),
            Dtype::BF16 => values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect(),
            Dtype::F64 => values.flat_map(|value| f64::from(value).to_le_bytes()).collect(),
            _ => values.flat_map(f32::to_le_bytes).collect(),
        }
    }
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS.len(), HIDDEN]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, HIDDEN]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![HIDDEN]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        for (name, shape) in [
            ("attention.self.query", vec![HIDDEN, HIDDEN]),
            ("attention.self.key", vec![HIDDEN, HIDDEN]),
            ("attention.self.value", vec![HIDDEN, HIDDEN]),
            ("attention.output.dense", vec![HIDDEN, HIDDEN]),
            ("attention.output.LayerNorm", vec![HIDDEN]),
            ("intermediate.dense", vec![INTERMEDIATE, HIDDEN]),
            ("output.dense", vec![HIDDEN, INTERMEDIATE]),
            ("output.LayerNorm", vec![HIDDEN]),
        ] {
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![shape[0]]));
            shapes.push((format!("encoder.layer.{layer}.{name}.weight"), shape));
        }
    }
    shapes
}

fn modules() -> Value {
    json!([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ])
}

/// A word-piece tokenizer that pads and cuts, as published ones do: what they were saved with must not count.
fn tokenizer() -> Value {
    let vocabulary: BTreeMap<&str, usize> = WORDS.iter().enumerate().map(|(id, word)| (*word, id)).collect();
    let special = |id: usize| {
        json!({"id": id, "content": WORDS[id], "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    let piece = |id: &str, kind: usize| json!({"SpecialToken": {"id": id, "type_id": kind}});
    let text = |id: &str, kind: usize| json!({"Sequence": {"id": id, "type_id": kind}});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null,
                    "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [special(0), special(1), special(2), special(3)],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)],
            "pair": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0), text("B", 1), piece("[SEP]", 1)],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
}

/// Numbers between -1 and 1 that are the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}
