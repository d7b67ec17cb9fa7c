//! What searching uses beside words: each model is tried once.

use std::time::Instant;

use cupola_models::Catalog;
use cupola_retrieval::{EmbedError, Purpose};

use super::verdict::Verdict;
use crate::{
    config::Config,
    instance,
    knowledge::{self, Knowledge},
    when,
};

const EMBEDDING: &str = "embedding";
const RERANKER: &str = "reranker";

/// Checks of the embedding model and of the reranker.
pub async fn all(config: &Config) -> Vec<Verdict> {
    // What is wrong with the providers is told by their own check.
    let Ok(catalog) = instance::catalog(config).await else { return Vec::new() };
    match open(config, &catalog) {
        Err(verdict) => vec![verdict],
        Ok(knowledge) => {
            let mut verdicts = vec![embedding(config, &knowledge).await];
            verdicts.extend(reranker(config, &knowledge).await);
            verdicts
        }
    }
}

fn open(config: &Config, catalog: &Catalog) -> Result<Knowledge, Verdict> {
    let remedy = "Correct [knowledge] in the configuration: docs/configuration.md";
    knowledge::open(config, catalog).map_err(|failure| Verdict::fail("knowledge", failure.message(), remedy))
}

async fn embedding(config: &Config, knowledge: &Knowledge) -> Verdict {
    let Some(embedder) = &knowledge.embedder else {
        return Verdict::ok(EMBEDDING, "none is configured: file search goes by words alone").with_remedy(
            "To find by meaning too, set knowledge.embedding to a deployment, or knowledge.embedding_model \
             to the directory of a local model such as all-MiniLM-L6-v2: docs/models.md",
        );
    };
    let key = key(config.knowledge.embedding.is_some(), "knowledge.embedding", "knowledge.embedding_model");
    let began = Instant::now();
    match embedder.embed(&["hello"], Purpose::Query).await {
        Ok(vectors) => {
            let dimensions = vectors.first().map_or(0, Vec::len);
            let took = when::span(began.elapsed());
            let model = embedder.model();
            Verdict::ok(
                EMBEDDING,
                format!("{model}, because of {key}: {dimensions} dimensions, tried in {took}"),
            )
        }
        Err(error) => unusable(EMBEDDING, embedder.model(), key, &error),
    }
}

async fn reranker(config: &Config, knowledge: &Knowledge) -> Option<Verdict> {
    let reranker = knowledge.reranker.as_ref()?;
    let key = key(config.knowledge.reranker.is_some(), "knowledge.reranker", "knowledge.reranker_model");
    let began = Instant::now();
    Some(match reranker.rerank("hello", &["hello"]).await {
        Ok(_) => {
            let took = when::span(began.elapsed());
            Verdict::ok(RERANKER, format!("{}, because of {key}: tried in {took}", reranker.model()))
        }
        Err(error) => unusable(RERANKER, reranker.model(), key, &error),
    })
}

fn key(is_deployment: bool, deployment: &'static str, directory: &'static str) -> &'static str {
    if is_deployment { deployment } else { directory }
}

fn unusable(check: &'static str, model: &str, key: &str, error: &EmbedError) -> Verdict {
    let remedy = match error.is_transient {
        true => "See that its server runs, and try again.".to_owned(),
        false => format!("Choose another {key}, or leave it out."),
    };
    Verdict::fail(check, format!("{model} (from {key}) does not work: {error}"), remedy)
}
