//! BERT's encoder: tokens in, a vector for each of them out.

use rten_gemm::GemmExecutor;

use super::{
    architecture::{Activation, Architecture},
    attention::attend,
    broken::BrokenModel,
    checkpoint::Checkpoint,
    layers::{LayerNorm, Linear},
    tokens::Sequence,
};

/// An encoder with its weights.
pub(super) struct Encoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    activation: Activation,
    hidden: usize,
    heads: usize,
}

struct Embeddings {
    words: Vec<f32>,
    positions: Vec<f32>,
    types: Vec<f32>,
    norm: LayerNorm,
}

struct Layer {
    /// Queries, keys and values.
    projection: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
}

impl Encoder {
    /// Says what is missing for [`Encoder::load`], without reading the weights.
    pub(super) fn check(checkpoint: &Checkpoint, shape: &Architecture) -> Result<(), BrokenModel> {
        tensors(shape).try_for_each(|(name, shape)| checkpoint.check(&checkpoint.name_of(&name), &shape))
    }

    pub(super) fn load(checkpoint: &Checkpoint, shape: &Architecture) -> Result<Self, BrokenModel> {
        let gemm = GemmExecutor::new();
        let layers = (0..shape.layers).map(|layer| Layer::load(&gemm, checkpoint, shape, layer));
        Ok(Self {
            embeddings: Embeddings::load(checkpoint, shape)?,
            layers: layers.collect::<Result<_, _>>()?,
            activation: shape.activation,
            hidden: shape.hidden,
            heads: shape.heads,
        })
    }

    /// How long the vectors are.
    pub(super) fn hidden(&self) -> usize {
        self.hidden
    }

    /// A row for each token.
    pub(super) fn encode(&self, sequence: &Sequence) -> Vec<f32> {
        let gemm = &GemmExecutor::new();
        let mut x = self.embeddings.of(sequence, self.hidden);
        for layer in &self.layers {
            let projected = layer.projection.apply(gemm, &x);
            let seen = attend(gemm, &projected, self.hidden, self.heads);
            layer.attention_output.add_to(gemm, &seen, &mut x);
            layer.attention_norm.apply(&mut x);
            let mut wide = layer.up.apply(gemm, &x);
            self.activation.apply(&mut wide);
            layer.down.add_to(gemm, &wide, &mut x);
            layer.output_norm.apply(&mut x);
        }
        x
    }
}

impl Embeddings {
    fn load(checkpoint: &Checkpoint, shape: &Architecture) -> Result<Self, BrokenModel> {
        let read = |name: &str, rows| {
            let name = checkpoint.name_of(&format!("embeddings.{name}.weight"));
            checkpoint.read(&name, &[rows, shape.hidden])
        };
        let mut positions = read("position_embeddings", shape.positions)?;
        positions.drain(..shape.first_position * shape.hidden);
        let norm = checkpoint.name_of("embeddings.LayerNorm");
        Ok(Self {
            words: read("word_embeddings", shape.vocabulary)?,
            positions,
            types: read("token_type_embeddings", shape.token_types)?,
            norm: LayerNorm::load(checkpoint, &norm, shape.hidden, shape.norm_epsilon)?,
        })
    }

    fn of(&self, sequence: &Sequence, width: usize) -> Vec<f32> {
        let mut x = Vec::with_capacity(sequence.len() * width);
        for (token, position) in sequence.tokens().zip(self.positions.chunks_exact(width)) {
            let word = &self.words[token.id * width..][..width];
            let kind = &self.types[token.kind * width..][..width];
            x.extend(
                word.iter().zip(position).zip(kind).map(|((word, position), kind)| word + position + kind),
            );
        }
        self.norm.apply(&mut x);
        x
    }
}

impl Layer {
    fn load(
        gemm: &GemmExecutor,
        checkpoint: &Checkpoint,
        shape: &Architecture,
        layer: usize,
    ) -> Result<Self, BrokenModel> {
        let name = |name: &str| checkpoint.name_of(&format!("encoder.layer.{layer}.{name}"));
        let linear = |names: &[&str], inputs, outputs| {
            let names: Vec<String> = names.iter().map(|part| name(part)).collect();
            Linear::load(gemm, checkpoint, &names, inputs, outputs)
        };
        let norm = |part| LayerNorm::load(checkpoint, &name(part), shape.hidden, shape.norm_epsilon);
        let (hidden, wide) = (shape.hidden, shape.intermediate);
        let projections = ["attention.self.query", "attention.self.key", "attention.self.value"];
        Ok(Self {
            projection: linear(&projections, hidden, hidden)?,
            attention_output: linear(&["attention.output.dense"], hidden, hidden)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            up: linear(&["intermediate.dense"], hidden, wide)?,
            down: linear(&["output.dense"], wide, hidden)?,
            output_norm: norm("output.LayerNorm")?,
        })
    }
}

/// The names and shapes of all tensors.
fn tensors(shape: &Architecture) -> impl Iterator<Item = (String, Vec<usize>)> {
    let (hidden, wide) = (shape.hidden, shape.intermediate);
    let embeddings = [
        ("word_embeddings.weight", vec![shape.vocabulary, hidden]),
        ("position_embeddings.weight", vec![shape.positions, hidden]),
        ("token_type_embeddings.weight", vec![shape.token_types, hidden]),
        ("LayerNorm.weight", vec![hidden]),
        ("LayerNorm.bias", vec![hidden]),
    ];
    let of_layer = [
        ("attention.self.query", vec![hidden, hidden]),
        ("attention.self.key", vec![hidden, hidden]),
        ("attention.self.value", vec![hidden, hidden]),
        ("attention.output.dense", vec![hidden, hidden]),
        ("attention.output.LayerNorm", vec![hidden]),
        ("intermediate.dense", vec![wide, hidden]),
        ("output.dense", vec![hidden, wide]),
        ("output.LayerNorm", vec![hidden]),
    ];
    let embeddings = embeddings.into_iter().map(|(name, shape)| (format!("embeddings.{name}"), shape));
    embeddings.chain((0..shape.layers).flat_map(move |layer| {
        of_layer.clone().into_iter().flat_map(move |(name, shape)| {
            let name = format!("encoder.layer.{layer}.{name}");
            [(format!("{name}.bias"), vec![shape[0]]), (format!("{name}.weight"), shape)]
        })
    }))
}
