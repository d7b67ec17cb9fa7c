//! What searching uses beside words: the embedding model and the reranker that are configured.

mod deployment;
mod embedding;
mod reranking;
#[cfg(test)]
mod stand_in;

use std::{path::Path, sync::Arc};

use cupola_models::{Catalog, catalog::Resolved};
use cupola_retrieval::{
    Embedder, Reranker,
    embed::{BrokenModel, CrossEncoder, SentenceModel},
};

use self::{deployment::Limits, embedding::DeploymentEmbedder, reranking::DeploymentReranker};
use crate::{
    config::{Config, KnowledgeConfig},
    failure::Failure,
};

/// The models that are configured for searching.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// Turns texts into vectors; without one, search goes by words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Judges what was found.
    pub reranker: Option<Arc<dyn Reranker>>,
}

/// Opens what is configured. A directory that can't be used is a failure; a deployment is not asked.
pub fn open(config: &Config, catalog: &Catalog) -> Result<Knowledge, Failure> {
    Ok(Knowledge {
        embedder: embedder(&config.knowledge, catalog)?,
        reranker: reranker(&config.knowledge, catalog)?,
    })
}

fn embedder(config: &KnowledgeConfig, catalog: &Catalog) -> Result<Option<Arc<dyn Embedder>>, Failure> {
    if let Some(deployment) = &config.embedding {
        let resolved = resolve(catalog, "embedding", deployment)?;
        let dimensions = config.dimensions.map(Into::into);
        let embedder = DeploymentEmbedder::new(resolved, dimensions, limits(config));
        return Ok(Some(Arc::new(embedder)));
    }
    let Some(directory) = &config.embedding_model else { return Ok(None) };
    let model =
        SentenceModel::open(directory).map_err(|broken| unusable("embedding_model", directory, &broken))?;
    Ok(Some(Arc::new(model)))
}

fn reranker(config: &KnowledgeConfig, catalog: &Catalog) -> Result<Option<Arc<dyn Reranker>>, Failure> {
    if let Some(deployment) = &config.reranker {
        let resolved = resolve(catalog, "reranker", deployment)?;
        return Ok(Some(Arc::new(DeploymentReranker::new(resolved, limits(config)))));
    }
    let Some(directory) = &config.reranker_model else { return Ok(None) };
    let model =
        CrossEncoder::open(directory).map_err(|broken| unusable("reranker_model", directory, &broken))?;
    Ok(Some(Arc::new(model)))
}

fn limits(config: &KnowledgeConfig) -> Limits {
    Limits {
        texts: config.max_batch.get(),
        calls: config.max_calls.get(),
        answer_within: config.answer_within,
    }
}

fn resolve(catalog: &Catalog, key: &str, deployment: &str) -> Result<Resolved, Failure> {
    catalog.resolve(deployment).map_err(|fault| {
        Failure::with_code("bad_configuration", format!("`knowledge.{key}`: {}", fault.message))
    })
}

fn unusable(key: &str, directory: &Path, broken: &BrokenModel) -> Failure {
    let directory = directory.display();
    let message = format!("`knowledge.{key}`: the model in {directory} can't be used. {broken}");
    Failure::with_code("bad_configuration", message)
}
