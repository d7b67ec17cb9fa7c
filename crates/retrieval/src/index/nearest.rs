//! The rows nearest to a vector: by looking at all exact rows, or at all quantised ones and then at the best exactly.
//!
//! A flat scan has no build time and nothing to tune, and deletes and filters cost nothing. Its time grows with the
//! number of rows; the example `search_speed` measures it.

use std::iter::Peekable;
use std::slice;

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
    let mut owners = Owners::new(ranges, allowed);
    for (first, components) in resident.blocks() {
        products(&query, components, &mut scores);
        owners.offer(first, &scores, committed, &mut top, |_, key| key);
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
    let mut owners = Owners::new(ranges, allowed);
    for (first, scales, components) in resident.blocks() {
        code_products(&codes, components, scales, &mut scores);
        owners.offer(first, &scores, committed, &mut candidates, |row, key| (row, key));
    }
    let mut top = Top::new(limit);
    let mut scores = Vec::new();
    for ((row, key), _) in candidates.into_sorted() {
        products(&query, &rows.read_exact(row, 1)?, &mut scores);
        scores.iter().for_each(|score| top.push(*score, key));
    }
    Ok(cosines(top.into_sorted()))
}

/// Finds the files of rows that come in their order. Only the few rows that are good enough are looked up: most rows
/// cost one comparison, also those of files that are gone or may not be shown.
struct Owners<'a> {
    ranges: Peekable<slice::Iter<'a, RowRange>>,
    /// What was said about the file in front.
    is_allowed: Option<bool>,
    allowed: &'a mut dyn FnMut(u32) -> bool,
}

impl<'a> Owners<'a> {
    fn new(ranges: &'a [RowRange], allowed: &'a mut dyn FnMut(u32) -> bool) -> Self {
        Self { ranges: ranges.iter().peekable(), is_allowed: None, allowed }
    }

    /// The chunk of a row, if it has one that may be shown. No row may be smaller than the one before.
    fn key(&mut self, row: u64) -> Option<ChunkKey> {
        while self.ranges.next_if(|range| range.first + range.count <= row).is_some() {
            self.is_allowed = None;
        }
        let range = self.ranges.peek().filter(|range| range.first <= row)?;
        let is_allowed = *self.is_allowed.get_or_insert_with(|| (self.allowed)(range.slot));
        is_allowed.then(|| range.key(row))
    }

    /// Offers the rows from `first` on, of those before `end`.
    fn offer<T: Ord + Copy>(
        &mut self,
        first: u64,
        scores: &[f32],
        end: u64,
        top: &mut Top<T>,
        entry: impl Fn(u64, ChunkKey) -> T,
    ) {
        let mut threshold = top.threshold();
        for (row, score) in (first..end).zip(scores) {
            if *score > threshold
                && let Some(key) = self.key(row)
            {
                top.push(*score, entry(row, key));
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
