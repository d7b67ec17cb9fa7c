//! How fast a local model is, beside onnxruntime with the same model.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::bench::figure::Figure;
use crate::bench::knowledge::{Options, Program};

#[derive(Deserialize)]
struct Measured {
    tokens: usize,
    chunks_per_second: f64,
    query_ms: f64,
    /// A cosine, by which it is seen that two programs compute the same.
    cat_to_feline: f64,
}

const SAME: f64 = 1e-3;

/// Measures it.
pub fn measure(program: &Program, options: &Options, model: &Path) -> Result<Vec<Figure>> {
    let directory = model.to_str().context("the name of the model's directory is not UTF-8")?;
    let own: Measured = program.measured(&["embedding", directory])?;
    let chunks = format!("chunks of {} tokens in a second", own.tokens);
    let figures = [
        Figure::new(chunks, own.chunks_per_second, "/s"),
        Figure::new("a short question, p50", own.query_ms, "ms"),
    ];
    let Some(other) = options.onnx::<Measured>(model)? else { return Ok(figures.into()) };
    ensure!(
        (own.cat_to_feline - other.cat_to_feline).abs() < SAME,
        "onnxruntime computes something else: {} instead of {}",
        other.cat_to_feline,
        own.cat_to_feline
    );
    let [chunks, question] = figures;
    Ok(vec![
        chunks.beside("onnxruntime, the same model", other.chunks_per_second),
        question.beside("onnxruntime, the same model", other.query_ms),
    ])
}
