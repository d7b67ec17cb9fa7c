//! The rows nearest to a vector: by looking at all exact rows, or at all quantised ones and then at the best exactly.
//!
//! A flat scan has no build time and nothing to tune, deletes and filters cost nothing, and 100,000 quantised rows of
//! 384 components take a few milliseconds.

use super::IndexError;
use super::fusion::Ranking;
use super::quantise::{Quantised, code_products, products, unit};
use super::rows::Rows;
use super::top::Top;
use super::words::ChunkKey;

/// The rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowRange {
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) slot: u32,
}

impl RowRange {
    fn key(&self, row: u64) -> ChunkKey {
        ChunkKey { slot: self.slot, place: (row - self.first) as u32 }
    }
}

/// Compares with every row, of which there are `committed`.
pub(super) fn exact(
    rows: &Rows,
    committed: u64,
    ranges: &[RowRange],
    query: &[f32],
    limit: usize,
    allowed: &mut dyn FnMut(u32) -> bool,
) -> Result<Ranking, IndexError> {
    let resident = rows.exact_in_memory(committed)?;
    let query = unit(query);
    let mut scores = Vec::new();
    let mut top = Top::new(limit);
    for range in ranges {
        let mut offer = Offer { range, is_allowed: None, allowed: &mut *allowed };
        for (first, components) in resident.pieces(range.first, range.count, rows.dimensions()) {
            products(&query, components, &mut scores);
            offer.all(first, scores.iter().copied(), &mut top, |_, key| key);
        }
    }
    Ok(cosines(top.into_sorted()))
}

/// Compares with every quantised row, and then exactly with the best of them. The limit is expected to be well above
/// the number of rows whose order matters.
pub(super) fn approximate(
    rows: &Rows,
    committed: u64,
    ranges: &[RowRange],
    query: &[f32],
    limit: usize,
    allowed: &mut dyn FnMut(u32) -> bool,
) -> Result<Ranking, IndexError> {
    let resident = rows.small_in_memory(committed)?;
    let query = unit(query);
    let codes: Vec<i16> = Quantised::new(&query).codes.into_iter().map(i16::from).collect();
    let mut scores = Vec::new();
    let mut candidates = Top::new(limit);
    for range in ranges {
        let mut offer = Offer { range, is_allowed: None, allowed: &mut *allowed };
        for (first, scales, components) in resident.pieces(range.first, range.count, rows.dimensions()) {
            code_products(&codes, components, &mut scores);
            let scores = scores.iter().zip(scales).map(|(product, scale)| *product as f32 * scale);
            offer.all(first, scores, &mut candidates, |row, key| (row, key));
        }
    }
    let mut top = Top::new(limit);
    let mut scores = Vec::new();
    for ((row, key), _) in candidates.into_sorted() {
        products(&query, &rows.read_exact(row, 1)?, &mut scores);
        scores.iter().for_each(|score| top.push(*score, key));
    }
    Ok(cosines(top.into_sorted()))
}

/// Offers the rows of one file, and asks only once whether that may be shown, and only if there is a reason.
struct Offer<'a> {
    range: &'a RowRange,
    is_allowed: Option<bool>,
    allowed: &'a mut dyn FnMut(u32) -> bool,
}

impl Offer<'_> {
    fn all<T: Ord + Copy>(
        &mut self,
        first: u64,
        scores: impl Iterator<Item = f32>,
        top: &mut Top<T>,
        entry: impl Fn(u64, ChunkKey) -> T,
    ) {
        let mut threshold = top.threshold();
        for (row, score) in (first..).zip(scores) {
            if score > threshold {
                if !*self.is_allowed.get_or_insert_with(|| (self.allowed)(self.range.slot)) {
                    return;
                }
                top.push(score, entry(row, self.range.key(row)));
                threshold = top.threshold();
            }
        }
    }
}

/// What points away is no answer at all; its score is 0 and not below.
fn cosines(mut ranking: Ranking) -> Ranking {
    ranking.iter_mut().for_each(|(_, cosine)| *cosine = cosine.clamp(0.0, 1.0));
    ranking
}
