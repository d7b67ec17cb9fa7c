//! The encoder as it is defined, in plain loops and with twice the precision.

use crate::fixture::{HEADS, HIDDEN, LAYERS, Model};

type Rows = Vec<Vec<f64>>;

/// What differs between models.
#[derive(Clone, Copy)]
pub struct Variant {
    pub first_position: usize,
    pub activation: fn(f64) -> f64,
}

pub const BERT: Variant = Variant { first_position: 0, activation: gelu };

/// A row for each token. A token is its id and which text of a pair it belongs to.
pub fn encode(model: &Model, tokens: &[(usize, usize)], variant: Variant) -> Rows {
    let row = |name: &str, row: usize| -> Vec<f64> {
        let values = &model.tensors[&format!("embeddings.{name}.weight")].values;
        values[row * HIDDEN..][..HIDDEN].iter().map(|value| f64::from(*value)).collect()
    };
    let embedded = tokens.iter().enumerate().map(|(place, (id, kind))| {
        let parts = [
            row("word_embeddings", *id),
            row("position_embeddings", place + variant.first_position),
            row("token_type_embeddings", *kind),
        ];
        (0..HIDDEN).map(|at| parts.iter().map(|part| part[at]).sum()).collect()
    });
    let mut x = norm(model, "embeddings.LayerNorm", embedded.collect());
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let seen = attention(model, &name("attention.self"), &x);
        let output = linear(model, &name("attention.output.dense"), &seen);
        x = norm(model, &name("attention.output.LayerNorm"), sum(&x, &output));
        let mut wide = linear(model, &name("intermediate.dense"), &x);
        wide.iter_mut().flatten().for_each(|value| *value = (variant.activation)(*value));
        let output = linear(model, &name("output.dense"), &wide);
        x = norm(model, &name("output.LayerNorm"), sum(&x, &output));
    }
    x
}

/// The average of the rows.
pub fn mean(rows: &Rows) -> Vec<f64> {
    (0..HIDDEN).map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64).collect()
}

pub fn unit(vector: &[f64]) -> Vec<f64> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    vector.iter().map(|value| value / length).collect()
}

/// `x W + b`
pub fn linear(model: &Model, name: &str, x: &Rows) -> Rows {
    let weight = &model.tensors[&format!("{name}.weight")];
    let bias = &model.tensors[&format!("{name}.bias")].values;
    let inputs = weight.shape[1];
    let rows = x.iter().map(move |row| {
        let outputs = bias.iter().zip(weight.values.chunks(inputs));
        outputs.map(move |(bias, weights)| {
            let products = weights.iter().zip(row).map(|(weight, value)| f64::from(*weight) * value);
            f64::from(*bias) + products.sum::<f64>()
        })
    });
    rows.map(Iterator::collect).collect()
}

pub fn gelu(x: f64) -> f64 {
    x * 0.5 * (1.0 + erf(x / 2f64.sqrt()))
}

pub fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
}

pub fn relu(x: f64) -> f64 {
    x.max(0.0)
}

/// The integral that defines it, by Simpson's rule.
fn erf(x: f64) -> f64 {
    const STEPS: usize = 2000;
    let width = x / STEPS as f64;
    let at = |step: usize| (-(step as f64 * width).powi(2)).exp();
    let inner: f64 = (1..STEPS).map(|step| at(step) * if step % 2 == 1 { 4.0 } else { 2.0 }).sum();
    2.0 / std::f64::consts::PI.sqrt() * width / 3.0 * (at(0) + inner + at(STEPS))
}

fn attention(model: &Model, name: &str, x: &Rows) -> Rows {
    let [query, key, value] =
        ["query", "key", "value"].map(|part| linear(model, &format!("{name}.{part}"), x));
    let width = HIDDEN / HEADS;
    let mut seen = vec![vec![0.0; HIDDEN]; x.len()];
    for head in (0..HEADS).map(|head| head * width..(head + 1) * width) {
        for (query, seen) in query.iter().zip(&mut seen) {
            let score = |key: &Vec<f64>| {
                let products = head.clone().map(|at| query[at] * key[at]);
                (products.sum::<f64>() / (width as f64).sqrt()).exp()
            };
            let scores: Vec<f64> = key.iter().map(score).collect();
            let total: f64 = scores.iter().sum();
            for at in head.clone() {
                seen[at] = scores.iter().zip(&value).map(|(score, value)| score / total * value[at]).sum();
            }
        }
    }
    seen
}

fn norm(model: &Model, name: &str, x: Rows) -> Rows {
    let weight = &model.tensors[&format!("{name}.weight")].values;
    let bias = &model.tensors[&format!("{name}.bias")].values;
    let rows = x.into_iter().map(|row| {
        let mean = row.iter().sum::<f64>() / HIDDEN as f64;
        let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / HIDDEN as f64;
        let scaled = row.iter().map(|value| (value - mean) / (variance + 1e-12).sqrt());
        let scaled = scaled.zip(weight.iter().zip(bias));
        scaled.map(|(value, (weight, bias))| value * f64::from(*weight) + f64::from(*bias)).collect()
    });
    rows.collect()
}

fn sum(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}
