//! Cross-encoders: they read a query and a passage together, which is slower than comparing vectors, and
//! better.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use rayon::prelude::*;

use super::{
    architecture::Architecture, broken::BrokenModel, checkpoint::Checkpoint, directory, encoder::Encoder,
    head::Head, loaded::Loaded, tokens::Tokens, workers,
};
use crate::{EmbedError, Purpose, Reranker};

/// Passages that are judged before it is looked again whether somebody still waits.
const ROUND: usize = 16;

/// A cross-encoder with one label that runs in this process.
pub struct CrossEncoder {
    name: String,
    directory: PathBuf,
    shape: Architecture,
    network: Loaded<Network>,
}

/// What is in memory once it is used.
struct Network {
    encoder: Encoder,
    head: Head,
    tokens: Tokens,
}

impl CrossEncoder {
    /// Opens a directory with `config.json`, `model.safetensors` and `tokenizer.json`. The weights are
    /// checked for presence and shape, and loaded when they are first needed.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, BrokenModel> {
        let directory = directory.as_ref();
        directory::check(directory)?;
        let config = directory.join("config.json");
        let shape = Architecture::read(&config)?;
        if shape.labels != 1 {
            let reason =
                format!("this model tells {} labels apart; one that judges passages has one", shape.labels);
            return Err(BrokenModel::new(&config, reason));
        }
        let checkpoint = Checkpoint::open(&directory.join("model.safetensors"))?;
        Encoder::check(&checkpoint, &shape)?;
        Head::check(&checkpoint, &shape)?;
        Tokens::check(&directory.join("tokenizer.json"))?;
        let name = checkpoint.model_name(directory, &format!("{shape:?}"))?;
        Ok(Self { name, directory: directory.to_owned(), shape, network: Loaded::later(directory) })
    }

    /// Loads it now, if it is not yet.
    pub async fn load(&self) -> Result<(), EmbedError> {
        self.network().await.map(|_| ())
    }

    async fn network(&self) -> Result<Arc<Network>, EmbedError> {
        let (directory, shape) = (self.directory.clone(), self.shape.clone());
        self.network.get(move || Network::load(&directory, &shape)).await
    }
}

#[async_trait]
impl Reranker for CrossEncoder {
    fn model(&self) -> &str {
        &self.name
    }

    async fn rerank(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError> {
        let network = self.network().await?;
        let query: Arc<str> = query.into();
        let mut scores = Vec::with_capacity(passages.len());
        for round in passages.chunks(ROUND) {
            let (network, query) = (Arc::clone(&network), Arc::clone(&query));
            let passages: Vec<String> = round.iter().map(|passage| (*passage).to_owned()).collect();
            let work = move || network.judge_all(&query, &passages);
            scores.append(&mut workers::run(Purpose::Query, work).await??);
        }
        Ok(scores)
    }
}

impl fmt::Debug for CrossEncoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CrossEncoder").field("name", &self.name).field("shape", &self.shape).finish()
    }
}

impl Network {
    fn load(directory: &Path, shape: &Architecture) -> Result<Self, BrokenModel> {
        let checkpoint = Checkpoint::open(&directory.join("model.safetensors"))?;
        Ok(Self {
            tokens: Tokens::load(&directory.join("tokenizer.json"), shape, shape.longest())?,
            encoder: Encoder::load(&checkpoint, shape)?,
            head: Head::load(&checkpoint, shape)?,
        })
    }

    fn judge_all(&self, query: &str, passages: &[String]) -> Result<Vec<f32>, EmbedError> {
        passages.par_iter().with_max_len(1).map(|passage| self.judge(query, passage)).collect()
    }

    fn judge(&self, query: &str, passage: &str) -> Result<f32, EmbedError> {
        let pair = self.tokens.of_pair(query, passage)?;
        Ok(self.head.score(&self.encoder.encode(&pair)))
    }
}
