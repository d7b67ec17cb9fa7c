//! Sentence transformers.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use rayon::prelude::*;

use super::{
    architecture::Architecture,
    broken::BrokenModel,
    checkpoint::Checkpoint,
    directory::{Prompts, SentenceDirectory},
    encoder::Encoder,
    loaded::Loaded,
    pooling::Pooling,
    tokens::Tokens,
    workers,
};
use crate::{EmbedError, Embedder, Purpose, unit_length};

/// Texts that are embedded before it is looked again whether somebody still waits.
const ROUND: usize = 32;

/// A model of sentence-transformers that runs in this process.
///
/// A text that is longer than what the model reads at once is read in several pieces, and its vector is
/// their mean, so that no part of a text goes unseen.
pub struct SentenceModel {
    name: String,
    plan: Plan,
    network: Loaded<Network>,
}

/// What was found in the directory, checked but for the values of the weights.
#[derive(Clone, Debug)]
struct Plan {
    transformer: PathBuf,
    shape: Architecture,
    pooling: Pooling,
    prompts: Prompts,
    longest: usize,
}

/// What is in memory once it is used.
struct Network {
    encoder: Encoder,
    tokens: Tokens,
    pooling: Pooling,
}

impl SentenceModel {
    /// Opens a directory with `config.json`, `model.safetensors` and `tokenizer.json`. The weights are
    /// checked for presence and shape, and loaded when they are first needed.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, BrokenModel> {
        let directory = directory.as_ref();
        let found = SentenceDirectory::read(directory)?;
        let shape = Architecture::read(&found.transformer.join("config.json"))?;
        let checkpoint = Checkpoint::open(&found.transformer.join("model.safetensors"))?;
        Encoder::check(&checkpoint, &shape)?;
        Tokens::check(&found.transformer.join("tokenizer.json"))?;
        let longest = found.max_tokens.unwrap_or(usize::MAX).min(shape.longest());
        let settings = format!("{shape:?} {:?} {:?} {longest}", found.pooling, found.prompts);
        let name = checkpoint.model_name(directory, &settings)?;
        let plan = Plan {
            transformer: found.transformer,
            shape,
            pooling: found.pooling,
            prompts: found.prompts,
            longest,
        };
        Ok(Self { name, plan, network: Loaded::later(directory) })
    }

    /// How many dimensions its vectors have.
    pub fn dimensions(&self) -> usize {
        self.plan.shape.hidden
    }

    /// The most tokens that it reads at once.
    pub fn longest(&self) -> usize {
        self.plan.longest
    }

    /// Loads it now, if it is not yet.
    pub async fn load(&self) -> Result<(), EmbedError> {
        self.network().await.map(|_| ())
    }

    async fn network(&self) -> Result<Arc<Network>, EmbedError> {
        let plan = self.plan.clone();
        self.network.get(move || Network::load(&plan)).await
    }
}

#[async_trait]
impl Embedder for SentenceModel {
    fn model(&self) -> &str {
        &self.name
    }

    async fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let network = self.network().await?;
        let prompt = match purpose {
            Purpose::Query => &self.plan.prompts.query,
            Purpose::Passage => &self.plan.prompts.passage,
        };
        let mut vectors = Vec::with_capacity(texts.len());
        for round in texts.chunks(ROUND) {
            let network = Arc::clone(&network);
            let texts: Vec<String> = round.iter().map(|text| format!("{prompt}{text}")).collect();
            let work = move || network.embed_all(&texts);
            vectors.append(&mut workers::run(purpose, work).await??);
        }
        Ok(vectors)
    }
}

impl fmt::Debug for SentenceModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SentenceModel").field("name", &self.name).field("plan", &self.plan).finish()
    }
}

impl Network {
    fn load(plan: &Plan) -> Result<Self, BrokenModel> {
        let checkpoint = Checkpoint::open(&plan.transformer.join("model.safetensors"))?;
        Ok(Self {
            tokens: Tokens::load(&plan.transformer.join("tokenizer.json"), &plan.shape, plan.longest)?,
            encoder: Encoder::load(&checkpoint, &plan.shape)?,
            pooling: plan.pooling,
        })
    }

    fn embed_all(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        texts.par_iter().with_max_len(1).map(|text| self.embed(text)).collect()
    }

    fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let mut vector = vec![0.0; self.encoder.hidden()];
        for sequence in self.tokens.of_text(text)? {
            self.pooling.add(&self.encoder.encode(&sequence), &mut vector);
        }
        unit_length(&mut vector);
        Ok(vector)
    }
}
