//! How fast a local model is: `cargo run --release --example embedding_speed -p cupola-retrieval -- DIR`

use std::{env, error::Error, time::Instant};

use cupola_retrieval::{EmbedError, Embedder, Purpose, embed::SentenceModel};

const WORDS: [&str; 16] = [
    "the", "river", "was", "slow", "and", "brown", "where", "it", "left", "town", "under", "an", "old",
    "bridge", "of", "stone",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args().nth(1).ok_or("say which directory: embedding_speed DIR")?;
    let began = Instant::now();
    let model = SentenceModel::open(&directory)?;
    println!("opened {} in {:?}", model.model(), began.elapsed());
    let began = Instant::now();
    model.load().await?;
    println!(
        "loaded in {:?}: {} dimensions, {} tokens at once",
        began.elapsed(),
        model.dimensions(),
        model.longest()
    );

    let pair = model.embed(&["cat", "feline"], Purpose::Query).await?;
    let cosine: f32 = pair[0].iter().zip(&pair[1]).map(|(a, b)| a * b).sum();
    println!("cos(cat, feline) = {cosine:.4}");

    // Each of these words is one token; two more begin and end a text.
    let text = |first: usize| {
        let words = (0..model.longest() - 2).map(|place| WORDS[(first + place * 7) % WORDS.len()]);
        words.collect::<Vec<_>>().join(" ")
    };
    for count in [1, 8, 32, 128] {
        let texts: Vec<String> = (0..count).map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let best = fastest(&model, &texts, Purpose::Passage, 5).await?;
        let rate = count as f64 / best;
        println!("{count:4} chunks of {} tokens: {rate:6.1} chunks/s", model.longest());
    }
    for query in ["bridge", "where does the river leave the town?"] {
        let best = fastest(&model, &[query], Purpose::Query, 50).await?;
        println!("query {query:?}: {:.2} ms", best * 1000.0);
    }
    Ok(())
}

/// Seconds of the fastest of several attempts.
async fn fastest(
    model: &SentenceModel,
    texts: &[&str],
    purpose: Purpose,
    attempts: usize,
) -> Result<f64, EmbedError> {
    let mut best = f64::INFINITY;
    for _ in 0..attempts {
        let began = Instant::now();
        model.embed(texts, purpose).await?;
        best = best.min(began.elapsed().as_secs_f64());
    }
    Ok(best)
}
