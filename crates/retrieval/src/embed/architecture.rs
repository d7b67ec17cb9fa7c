//! What `config.json` says about an encoder, as far as it can be run here.

use std::path::Path;

use serde::Deserialize;

use super::{broken::BrokenModel, directory};

/// The families that are the same encoder: they differ in where positions begin and how a pair is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Bert,
    /// RoBERTa, XLM-RoBERTa, CamemBERT.
    Roberta,
}

/// The function between the two halves of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Activation {
    #[serde(rename = "gelu")]
    Gelu,
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh", alias = "gelu_fast")]
    GeluTanh,
    #[serde(rename = "relu")]
    Relu,
}

/// The sizes of an encoder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Architecture {
    pub(super) family: Family,
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) intermediate: usize,
    pub(super) activation: Activation,
    pub(super) norm_epsilon: f32,
    pub(super) vocabulary: usize,
    pub(super) positions: usize,
    pub(super) token_types: usize,
    /// The position of the first token.
    pub(super) first_position: usize,
    /// How many labels a classifier on top of it has.
    pub(super) labels: usize,
}

#[derive(Deserialize)]
struct ConfigFile {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: serde_json::Value,
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f32,
    vocab_size: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
    id2label: Option<serde_json::Map<String, serde_json::Value>>,
}

fn default_epsilon() -> f32 {
    1e-12
}

impl Architecture {
    /// Reads `config.json`.
    pub(super) fn read(path: &Path) -> Result<Self, BrokenModel> {
        let family = Family::of(&directory::read_json::<Kind>(path)?, path)?;
        let config: ConfigFile = directory::read_json(path)?;
        let Ok(activation) = Activation::deserialize(&config.hidden_act) else {
            let reason =
                format!("`hidden_act` {} is not supported; gelu, gelu_new and relu are", config.hidden_act);
            return Err(BrokenModel::new(path, reason));
        };
        if let Some(other) = config.position_embedding_type.filter(|kind| kind != "absolute") {
            let reason = format!("`position_embedding_type` {other:?} is not supported; \"absolute\" is");
            return Err(BrokenModel::new(path, reason));
        }
        let architecture = Self {
            family,
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            intermediate: config.intermediate_size,
            activation,
            norm_epsilon: config.layer_norm_eps,
            vocabulary: config.vocab_size,
            positions: config.max_position_embeddings,
            token_types: config.type_vocab_size,
            first_position: match family {
                Family::Bert => 0,
                Family::Roberta => config.pad_token_id.unwrap_or(1) + 1,
            },
            // A configuration that names no labels has the two that are its default.
            labels: config.id2label.map_or(2, |labels| labels.len()),
        };
        architecture.check().map_err(|reason| BrokenModel::new(path, reason))?;
        Ok(architecture)
    }

    /// How many tokens fit into one sequence.
    pub(super) fn longest(&self) -> usize {
        self.positions - self.first_position
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.intermediate),
            ("vocab_size", self.vocabulary),
            ("type_vocab_size", self.token_types),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(format!("`{name}` is 0"));
        }
        if !self.hidden.is_multiple_of(self.heads) {
            let (hidden, heads) = (self.hidden, self.heads);
            return Err(format!("`hidden_size` {hidden} is not a multiple of `num_attention_heads` {heads}"));
        }
        if self.positions < self.first_position + 4 {
            return Err(format!("`max_position_embeddings` {} leaves no room for a text", self.positions));
        }
        Ok(())
    }
}

/// Read before the rest, so that a model of another kind is called that, and not a broken one.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
}

impl Family {
    fn of(kind: &Kind, path: &Path) -> Result<Self, BrokenModel> {
        match kind.model_type.as_deref() {
            Some("bert") => Ok(Self::Bert),
            Some("roberta" | "xlm-roberta" | "camembert") => Ok(Self::Roberta),
            Some(other) => {
                let reason = format!(
                    "models of the type {other:?} are not supported; bert, roberta, xlm-roberta and \
                     camembert are. Serve it with an OpenAI-compatible server and use it as a deployment"
                );
                Err(BrokenModel::new(path, reason))
            }
            None => Err(BrokenModel::new(
                path,
                "it has no `model_type`, so this is no transformer's configuration",
            )),
        }
    }
}
