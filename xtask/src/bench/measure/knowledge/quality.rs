//! How good the answers are, as nDCG@10 on the labelled set.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::bench::figure::Figure;
use crate::bench::knowledge::Program;

#[derive(Deserialize)]
struct Measured {
    words: Gain,
    vectors: Option<Gain>,
    hybrid: Option<Gain>,
}

#[derive(Deserialize)]
struct Gain {
    all: f64,
    rare_words: f64,
    paraphrases: f64,
    mixed: f64,
}

/// Measures it; by words alone where there is no model. Both together should be as good as the better of the two.
pub fn measure(program: &Program, model: Option<&Path>) -> Result<Vec<Figure>> {
    let mut arguments = vec!["quality"];
    if let Some(model) = model {
        arguments.push(model.to_str().context("the name of the model's directory is not UTF-8")?);
    }
    let Measured { words, vectors, hybrid } = program.measured(&arguments)?;
    let mut figures = Vec::new();
    if let Some((vectors, hybrid)) = vectors.zip(hybrid) {
        let better = percent(words.all.max(vectors.all));
        figures.push(of_all("hybrid", &hybrid).at_least((better * 10.0).floor() / 10.0));
        figures.extend([of_all("words", &words), of_all("vectors", &vectors)]);
        figures.extend(of_kinds("hybrid", &hybrid));
        figures.extend(of_kinds("words", &words));
        figures.extend(of_kinds("vectors", &vectors));
    } else {
        figures.push(of_all("words", &words));
        figures.extend(of_kinds("words", &words));
    }
    Ok(figures)
}

fn of_all(search: &str, gain: &Gain) -> Figure {
    Figure::new(format!("nDCG@10, {search}"), percent(gain.all), "%")
}

fn percent(share: f64) -> f64 {
    share * 100.0
}

fn of_kinds(search: &str, gain: &Gain) -> [Figure; 3] {
    let figure = |kind: &str, value| Figure::new(format!("nDCG@10, {search}: {kind}"), percent(value), "%");
    [
        figure("questions with rare words", gain.rare_words),
        figure("questions in other words", gain.paraphrases),
        figure("questions that mix both", gain.mixed),
    ]
}
