//! How fast a local model is.

use std::time::{Duration, Instant};

use cupola_retrieval::{Embedder, Purpose, embed::SentenceModel};
use serde_json::{Value, json};

use crate::{Outcome, percentile};

const WORDS: [&str; 16] = [
    "the", "river", "was", "slow", "and", "brown", "where", "it", "left", "town", "under", "an", "old",
    "bridge", "of", "stone",
];
const CHUNKS: usize = 64;
const QUERY: &str = "where does the river leave the town?";
const ROUNDS: usize = 3;
const QUERIES: usize = 100;

/// Measures full chunks and a short query.
pub async fn measure(directory: &str) -> Outcome<Value> {
    let model = SentenceModel::open(directory)?;
    model.load().await?;
    let texts: Vec<String> = (0..CHUNKS).map(|first| text(first, model.longest())).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    model.embed(&texts[..8], Purpose::Passage).await?;
    let mut chunks = times(&model, &texts, Purpose::Passage, ROUNDS).await?;
    let mut queries = times(&model, &[QUERY], Purpose::Query, QUERIES).await?;
    let pair = model.embed(&["cat", "feline"], Purpose::Passage).await?;
    Ok(json!({
        "cat_to_feline": pair[0].iter().zip(&pair[1]).map(|(a, b)| a * b).sum::<f32>(),
        "tokens": model.longest(),
        "chunks_per_second": CHUNKS as f64 * 1000.0 / percentile(&mut chunks, 50),
        "query_ms": percentile(&mut queries, 50),
    }))
}

/// A text that fills what a model reads at once: each of these words is one token, and two more begin and end it.
fn text(first: usize, tokens: usize) -> String {
    let words = (0..tokens - 2).map(|place| WORDS[(first + place * 7) % WORDS.len()]);
    words.collect::<Vec<_>>().join(" ")
}

async fn times(
    model: &SentenceModel,
    texts: &[&str],
    purpose: Purpose,
    rounds: usize,
) -> Outcome<Vec<Duration>> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let began = Instant::now();
        model.embed(texts, purpose).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}
