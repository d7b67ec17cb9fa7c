//! Searches in a store of 10,000 and in one of 100,000 chunks, each with a vector of 384 dimensions.

use anyhow::Result;
use serde::Deserialize;

use crate::bench::figure::Figure;
use crate::bench::knowledge::Program;
use crate::bench::plan::Plan;

/// Stores, and how long a search may take in each, in milliseconds.
const STORES: [(usize, f64); 2] = [(10_000, 2.0), (100_000, 8.0)];
/// In per cent.
const RECALL: f64 = 98.0;

#[derive(Deserialize)]
struct Measured {
    words: Times,
    vectors: Times,
    hybrid: Times,
    recall: f64,
}

/// In milliseconds.
#[derive(Deserialize)]
struct Times {
    first: f64,
    p50: f64,
    p99: f64,
}

/// Measures them.
pub fn measure(program: &Program, plan: &Plan) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (chunks, limit) in STORES {
        let arguments = ["search", &chunks.to_string(), &plan.searches.to_string()];
        let Measured { words, vectors, hybrid, recall } = program.measured(&arguments)?;
        let figure = |what: &str, millis| Figure::new(format!("{chunks} chunks: {what}"), millis, "ms");
        figures.extend([
            figure("a search, p50", hybrid.p50).at_most(limit),
            figure("a search, p99", hybrid.p99),
            figure("of this, by words, p50", words.p50),
            figure("of this, by vectors, p50", vectors.p50),
            figure("the first search by vectors", vectors.first),
            Figure::new(format!("{chunks} chunks: recall@10 beside the exact search"), recall * 100.0, "%")
                .at_least(RECALL),
        ]);
    }
    Ok(figures)
}
