//! Puts units together to chunks.

use std::collections::VecDeque;

use super::{
    Chunking,
    tokens::TokenCounter,
    unit::{Border, LONGEST_CHARACTER, Unit, Units},
};

/// A chunk of one text: where it stands there, and its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its tokens.
    pub tokens: u32,
    /// Those of them that no piece before had.
    pub new_tokens: u32,
}

/// The pieces of one text, in their order.
pub(super) struct Cutter<'a> {
    text: &'a str,
    units: Units<'a>,
    next: Option<Unit>,
    most: u32,
    overlap: u32,
    /// Units from the start of the next piece on.
    window: VecDeque<Unit>,
    /// How many of them were in the last piece.
    kept: usize,
    /// The weight of the window.
    weight: u32,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(text: &'a str, chunking: Chunking, counter: &'a TokenCounter) -> Self {
        let most = chunking.max_chunk_size_tokens.max(LONGEST_CHARACTER);
        // More would leave no room for a good border, nor for what is new.
        let overlap = chunking.chunk_overlap_tokens.min(most / 2);
        let mut units = Units::new(text, counter, most);
        let next = units.next();
        Self { text, units, next, most, overlap, window: VecDeque::new(), kept: 0, weight: 0 }
    }

    /// Takes units while they fit. Says whether anything new came.
    fn fill(&mut self) -> bool {
        while let Some(next) = self.next {
            if self.weight.saturating_add(next.weight) > self.most {
                if self.window.len() > self.kept {
                    break;
                }
                // A heavy unit, such as a long word: it has no room for what was kept.
                self.forget_first();
                continue;
            }
            self.weight += next.weight;
            self.window.push_back(next);
            self.next = self.units.next();
        }
        self.window.len() > self.kept
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.window.pop_front() {
            self.weight -= first.weight;
            self.kept = self.kept.saturating_sub(1);
        }
    }

    /// How many units to take: up to the best border in the last quarter, and of equal ones the last.
    fn best_end(&self) -> usize {
        if self.next.is_none() {
            return self.window.len();
        }
        let mut best = (Border::Inexact, self.window.len());
        let mut weight = self.weight;
        for (index, unit) in self.window.iter().enumerate().skip(self.kept).rev() {
            if weight < self.most - self.most / 4 {
                break;
            }
            if unit.border > best.0 {
                best = (unit.border, index + 1);
            }
            weight -= unit.weight;
        }
        best.1
    }

    fn piece(&self, taken: usize) -> Option<Piece> {
        let (first, last) = (self.window.front()?, self.window.get(taken.checked_sub(1)?)?);
        let units = || self.window.iter().take(taken);
        let is_end = last.end == self.text.len();
        let is_exact =
            (is_end || last.border > Border::Inexact) && units().all(|unit| unit.weight == unit.tokens);
        let tokens = if is_exact {
            units().map(|unit| unit.tokens).sum()
        } else {
            self.units.really(&self.text[first.start..last.end])
        };
        let new_tokens = units().skip(self.kept).map(|unit| unit.tokens).sum();
        Some(Piece { start: first.start, end: last.end, tokens, new_tokens })
    }

    /// Leaves in the window what the next piece begins with: as many units before its end as the overlap has.
    fn advance(&mut self, taken: usize) {
        let overlap = self.window.iter().take(taken).rev().scan(0_u32, |weight, unit| {
            *weight += unit.weight;
            (*weight <= self.overlap).then_some(())
        });
        let kept = overlap.count();
        for _ in 0..taken - kept {
            self.forget_first();
        }
        self.kept = kept;
    }
}

impl Iterator for Cutter<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if !self.fill() {
            return None;
        }
        let mut taken = self.best_end();
        let mut piece = self.piece(taken)?;
        while piece.tokens > self.most && taken > self.kept + 1 {
            taken -= 1;
            piece = self.piece(taken)?;
        }
        self.advance(taken);
        Some(piece)
    }
}
