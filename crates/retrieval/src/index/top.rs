//! The best of many, found with little memory.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Keeps the `limit` entries with the highest scores. Of equal scores the smaller entry wins.
#[derive(Debug)]
pub(super) struct Top<T> {
    limit: usize,
    worst_first: BinaryHeap<Reverse<Scored<T>>>,
}

#[derive(Debug)]
struct Scored<T> {
    score: f32,
    entry: T,
}

impl<T: Ord + Copy> Top<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, worst_first: BinaryHeap::with_capacity(limit + 1) }
    }

    /// No entry with this score or a lower one would be kept.
    pub(super) fn threshold(&self) -> f32 {
        match self.worst_first.peek() {
            Some(Reverse(worst)) if self.worst_first.len() >= self.limit => worst.score,
            _ => f32::NEG_INFINITY,
        }
    }

    pub(super) fn push(&mut self, score: f32, entry: T) {
        self.worst_first.push(Reverse(Scored { score, entry }));
        if self.worst_first.len() > self.limit {
            self.worst_first.pop();
        }
    }

    /// The entries with their scores, best first.
    pub(super) fn into_sorted(self) -> Vec<(T, f32)> {
        let sorted = self.worst_first.into_sorted_vec();
        sorted.into_iter().map(|Reverse(scored)| (scored.entry, scored.score)).collect()
    }
}

impl<T: Ord> Ord for Scored<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.entry.cmp(&self.entry))
    }
}

impl<T: Ord> PartialOrd for Scored<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Scored<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Scored<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_the_rest_is_forgotten() {
        let mut top = Top::new(2);
        assert_eq!(top.threshold(), f32::NEG_INFINITY);
        for (score, entry) in [(0.1, 1), (0.9, 2), (0.5, 3), (0.2, 4)] {
            top.push(score, entry);
        }
        assert_eq!(top.threshold(), 0.5);
        assert_eq!(top.into_sorted(), [(2, 0.9), (3, 0.5)]);
    }

    #[test]
    fn equal_scores_keep_the_order_of_entries() {
        let mut top = Top::new(2);
        for entry in [3, 1, 2] {
            top.push(0.5, entry);
        }
        assert_eq!(top.into_sorted(), [(1, 0.5), (2, 0.5)]);
    }
}
