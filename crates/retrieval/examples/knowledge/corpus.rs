//! Text and vectors that look like real ones to an index: words as frequent as Zipf says, vectors in clusters.
//!
//! The same seed gives the same corpus.

use cupola_retrieval::{Chunk, Place};

/// Words of a chunk, about 800 tokens.
const CHUNK_WORDS: usize = 600;
/// Words that a chunk shares with the one before.
const OVERLAP_WORDS: usize = 300;
/// Kinds of text. Vectors of one kind lie close together.
const CLUSTERS: usize = 200;

/// Makes files, vectors and queries.
#[derive(Debug)]
pub struct Corpus {
    noise: Noise,
    vocabulary: Vec<String>,
    centers: Vec<Vec<f32>>,
}

impl Corpus {
    /// A corpus of `words` different words, with vectors of `dimensions` components.
    pub fn new(seed: u64, words: usize, dimensions: usize) -> Self {
        let mut noise = Noise(seed);
        let vocabulary = (0..words).map(word).collect();
        let centers = (0..CLUSTERS).map(|_| noise.around(&vec![0.0; dimensions], 1.0)).collect();
        Self { noise, vocabulary, centers }
    }

    /// A corpus whose most frequent words are these, without vectors.
    pub fn with_words(seed: u64, mut vocabulary: Vec<String>, words: usize) -> Self {
        vocabulary.extend((vocabulary.len()..words).map(word));
        Self { noise: Noise(seed), vocabulary, centers: Vec::new() }
    }

    /// The chunks of a file.
    pub fn file(&mut self, chunks: usize) -> Vec<Chunk> {
        let step = CHUNK_WORDS - OVERLAP_WORDS;
        let words: Vec<&str> = (0..chunks * step + OVERLAP_WORDS)
            .map(|_| self.vocabulary[self.noise.rank(self.vocabulary.len())].as_str())
            .collect();
        let chunk = |ordinal: usize| Chunk {
            ordinal: ordinal as u32,
            text: words[ordinal * step..ordinal * step + CHUNK_WORDS].join(" "),
            tokens: 800,
            shared: 0,
            place: Place::default(),
        };
        (0..chunks).map(chunk).collect()
    }

    /// A text of so many bytes or a few more, in sentences and paragraphs.
    pub fn prose(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 200);
        while text.len() < bytes {
            for _ in 0..3 + self.below(6) {
                self.sentence(&mut text);
            }
            text.push_str("\n\n");
        }
        text
    }

    fn sentence(&mut self, text: &mut String) {
        let start = text.len();
        for _ in 0..6 + self.below(16) {
            text.push_str(&self.vocabulary[self.noise.rank(self.vocabulary.len())]);
            text.push_str(if self.below(12) == 0 { ", " } else { " " });
        }
        text.truncate(text.trim_end_matches([',', ' ']).len());
        text.push_str(". ");
        if let Some(first) = text.get_mut(start..=start) {
            first.make_ascii_uppercase();
        }
    }

    fn below(&mut self, count: usize) -> usize {
        (self.noise.uniform() * count as f32) as usize
    }

    /// A vector like that of a chunk or of a query.
    pub fn vector(&mut self) -> Vec<f32> {
        let center = (self.noise.uniform() * CLUSTERS as f32) as usize % CLUSTERS;
        self.noise.around(&self.centers[center], 0.5)
    }

    /// A query of some words, frequent and rare ones as they come in text.
    pub fn query(&mut self, words: usize) -> String {
        let ranks: Vec<usize> = (0..words).map(|_| self.noise.rank(self.vocabulary.len())).collect();
        ranks.iter().map(|rank| self.vocabulary[*rank].as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The word of a rank: short ones are frequent.
fn word(rank: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "to", "mi", "ren", "sol", "va", "li", "dun", "pe", "gra", "no", "fi", "ter", "ul", "ba", "cho",
    ];
    let mut word = String::new();
    let mut rest = rank + 1;
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}

/// A linear congruential generator: good enough, and the same everywhere.
#[derive(Debug)]
struct Noise(u64);

impl Noise {
    /// A number in [0, 1).
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// A rank below `count`, such that its frequency falls as one over the rank.
    fn rank(&mut self, count: usize) -> usize {
        ((count as f32).powf(self.uniform()) as usize).saturating_sub(1).min(count - 1)
    }

    /// A vector around a center.
    fn around(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        center.iter().map(|component| component + spread * self.normal()).collect()
    }

    /// A number with mean 0, roughly normal.
    fn normal(&mut self) -> f32 {
        (0..4).map(|_| self.uniform() - 0.5).sum()
    }
}
