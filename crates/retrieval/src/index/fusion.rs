//! Makes one ranking of two, by reciprocal rank.
//!
//! G. V. Cormack, C. L. A. Clarke, S. Büttcher: "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
//! Learning Methods", SIGIR 2009. Scores of the two rankings can't be compared; ranks can.
//!
//! A rank alone says too much, though. Nearly every chunk shares some word with a question, so there is always a first
//! one by words, even where it has nothing but "how" and "my". So each ranking counts as much as there is evidence for
//! it: words by the share of the question that a chunk covers, vectors by how close a chunk is beside the closest.

use std::collections::HashMap;

use super::query::{Found, Weights};
use super::words::{ChunkKey, LARGEST_TERM_FACTOR};

/// Keeps the first ranks from deciding alone; the value of the paper.
const DAMPING: f32 = 60.0;

/// The score by words of a chunk of usual length that has each word of the query once: nobody asks for more.
const ALL_WORDS_ONCE: f32 = 1.0 / LARGEST_TERM_FACTOR;

/// A chunk with its place in the fused ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fused {
    pub(super) key: ChunkKey,
    pub(super) score: f32,
    pub(super) words: Option<Found>,
    pub(super) vectors: Option<Found>,
}

/// A ranking, best first.
pub(super) type Ranking = Vec<(ChunkKey, f32)>;

/// What was found, by the rankings that there are.
pub(super) fn fuse(words: Option<Ranking>, vectors: Option<Ranking>, weights: Weights) -> Vec<Fused> {
    let mut fused = match (words, vectors) {
        (Some(words), Some(vectors)) => by_rank(words, vectors, weights),
        (Some(words), None) => found(words).map(|(key, found)| alone(key, Some(found), None)).collect(),
        (None, Some(vectors)) => found(vectors).map(|(key, found)| alone(key, None, Some(found))).collect(),
        (None, None) => Vec::new(),
    };
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.key.cmp(&b.key)));
    fused
}

fn by_rank(words: Ranking, vectors: Ranking, weights: Weights) -> Vec<Fused> {
    let closest = vectors.first().map_or(0.0, |(_, cosine)| *cosine);
    let mut chunks: HashMap<ChunkKey, Fused> = HashMap::new();
    for (key, found) in found(words) {
        chunks.entry(key).or_insert_with(|| alone(key, None, None)).words = Some(found);
    }
    for (key, found) in found(vectors) {
        chunks.entry(key).or_insert_with(|| alone(key, None, None)).vectors = Some(found);
    }
    // Added up as the shares are, so that the best possible score is exactly one.
    let best = weights.words * (1.0 / (DAMPING + 1.0)) + weights.vectors * (1.0 / (DAMPING + 1.0));
    let score = |chunk: Fused| {
        let words = chunk.words.map_or(0.0, |found| weights.words * share(found, ALL_WORDS_ONCE));
        let vectors = chunk.vectors.map_or(0.0, |found| weights.vectors * share(found, closest));
        Fused { score: ((words + vectors) / best).min(1.0), ..chunk }
    };
    chunks.into_values().map(score).collect()
}

/// The reciprocal rank, as far as there is evidence for it: all of it from the score `full` on. Half of that counts a
/// quarter, because weak evidence is mostly chance.
fn share(found: Found, full: f32) -> f32 {
    let evidence = if found.score < full { found.score / full } else { 1.0 };
    evidence * evidence / (DAMPING + found.rank as f32)
}

fn found(ranking: Ranking) -> impl Iterator<Item = (ChunkKey, Found)> {
    ranking.into_iter().zip(1..).map(|((key, score), rank)| (key, Found { rank, score }))
}

fn alone(key: ChunkKey, words: Option<Found>, vectors: Option<Found>) -> Fused {
    let score = words.or(vectors).map_or(0.0, |found| found.score);
    Fused { key, score, words, vectors }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(place: u32) -> ChunkKey {
        ChunkKey { slot: 0, place }
    }

    fn ranking(places: &[u32]) -> Option<Ranking> {
        Some(places.iter().map(|place| (key(*place), 0.5)).collect())
    }

    fn places(fused: &[Fused]) -> Vec<u32> {
        fused.iter().map(|chunk| chunk.key.place).collect()
    }

    #[test]
    fn what_both_rankings_find_comes_before_what_one_finds() {
        let fused = fuse(ranking(&[1, 2, 3]), ranking(&[4, 3]), Weights::default());
        assert_eq!(places(&fused), [3, 1, 4, 2]);
        assert!(fused[1].score <= 0.5);
    }

    #[test]
    fn the_first_of_both_rankings_has_the_score_one() {
        let fused = fuse(ranking(&[1, 2]), ranking(&[1]), Weights { words: 0.3, vectors: 0.9 });
        assert_eq!(fused[0].score, 1.0);
        assert_eq!(fused[0].words, Some(Found { rank: 1, score: 0.5 }));
    }

    #[test]
    fn weights_decide_between_what_only_one_ranking_finds() {
        let words_first = fuse(ranking(&[1]), ranking(&[2]), Weights { words: 2.0, vectors: 1.0 });
        let vectors_first = fuse(ranking(&[1]), ranking(&[2]), Weights { words: 1.0, vectors: 2.0 });
        assert_eq!((places(&words_first), places(&vectors_first)), (vec![1, 2], vec![2, 1]));
    }

    #[test]
    fn a_chunk_that_covers_little_of_the_query_does_not_outrank_what_vectors_find() {
        let words = Some(vec![(key(1), 0.05), (key(2), 0.04)]);
        let vectors = Some(vec![(key(3), 0.6), (key(4), 0.59), (key(1), 0.1)]);
        assert_eq!(places(&fuse(words, vectors, Weights::default())), [3, 4, 1, 2]);
    }

    #[test]
    fn a_chunk_that_covers_the_query_is_as_good_as_the_nearest_one() {
        let words = Some(vec![(key(1), 0.46)]);
        let fused = fuse(words, Some(vec![(key(2), 0.6), (key(1), 0.2)]), Weights::default());
        assert_eq!(places(&fused), [1, 2]);
        assert_eq!(fused[1].score, 0.5);
    }

    #[test]
    fn one_ranking_alone_keeps_its_scores() {
        let fused = fuse(ranking(&[1, 2]), None, Weights::default());
        assert_eq!((places(&fused), fused[0].score), (vec![1, 2], 0.5));
    }
}
