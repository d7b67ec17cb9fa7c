//! How much of the exact answer the approximate search gives.

use std::collections::HashSet;

use cupola_retrieval::{Embedded, Index, Query, QueryVector, Settings, Weights};

use super::{chunks, query, settings};

const DIMENSIONS: usize = 64;
const FILES: usize = 40;
const CHUNKS: usize = 150;
const QUERIES: usize = 40;

/// A fixed sequence of numbers in (-1, 1), roughly normal.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
        }
        sum / 2.0
    }

    /// A vector around a center.
    fn around(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        center.iter().map(|component| component + spread * self.next()).collect()
    }
}

#[test]
fn the_approximate_search_finds_98_of_100_that_the_exact_one_finds() {
    let dir = tempfile::tempdir().unwrap();
    let mut noise = Noise(7);
    // Centers of the kinds of text that a store has; chunks of one kind lie close together.
    let centers: Vec<Vec<f32>> = (0..25).map(|_| noise.around(&[0.0; DIMENSIONS], 1.0)).collect();
    let exact = Index::open(dir.path(), Settings { exact_up_to: u64::MAX, ..settings() }).unwrap();
    let mut writer = exact.writer().unwrap();
    for file in 0..FILES {
        let texts = vec!["text"; CHUNKS];
        let vectors: Vec<Vec<f32>> =
            (0..CHUNKS).map(|number| noise.around(&centers[(file + number) % centers.len()], 0.3)).collect();
        let embedded = Some(Embedded { model: "test", vectors: &vectors });
        writer.add(&format!("file-{file}"), &chunks(&texts), embedded).unwrap();
    }
    writer.commit().unwrap();
    drop(writer);
    let approximate = Index::open(dir.path(), Settings { exact_up_to: 0, ..settings() }).unwrap();

    let ten = |index: &Index, vector: &[f32]| -> HashSet<(String, u32)> {
        let vector = Some(QueryVector { model: "test", vector });
        let weights = Weights { words: 0.0, vectors: 1.0 };
        let hits = index.search(&Query { vector, weights, ..query("") }).unwrap();
        hits.into_iter().map(|hit| (hit.file_id, hit.chunk.ordinal)).collect()
    };
    let mut found = 0;
    for number in 0..QUERIES {
        let vector = noise.around(&centers[number % centers.len()], 0.3);
        found += ten(&exact, &vector).intersection(&ten(&approximate, &vector)).count();
    }
    let recall = found as f64 / (10 * QUERIES) as f64;
    assert!(recall >= 0.98, "recall@10 is {recall}");
}
