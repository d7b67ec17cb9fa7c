//! Which files are in the index, and where what belongs to them stands.
//!
//! In memory a map; on disk a journal of changes, one JSON object in a line.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A file of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its number in the index. A file that is added again gets another.
    pub(super) slot: u32,
    pub(super) file_id: Arc<str>,
    /// How many chunks it has.
    pub(super) chunks: u32,
    /// Bytes of text in its chunks.
    pub(super) text_bytes: u64,
    /// Where its passages begin.
    pub(super) passages_at: u64,
    /// Bytes of its passages, packed.
    pub(super) passages_bytes: u64,
    /// The row of the vector of its first chunk, if it has vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first_row: Option<u64>,
}

/// A change of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// A file is there, in place of the one with its id.
    Add(Entry),
    /// A file is gone.
    Remove(u32),
    /// The vectors of a file begin at this row.
    Embed { slot: u32, first_row: u64 },
    /// No file has vectors any more.
    ForgetVectors,
}

/// The files of the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    slots: HashMap<Arc<str>, u32>,
    entries: HashMap<u32, Arc<Entry>>,
    chunks: u64,
    text_bytes: u64,
    packed_bytes: u64,
    rows: u64,
    changes: u64,
}

impl Catalog {
    /// Reads a journal.
    pub(super) fn replay(journal: &[u8]) -> Result<Self, serde_json::Error> {
        let mut catalog = Self::default();
        for change in serde_json::Deserializer::from_slice(journal).into_iter() {
            catalog.apply(change?);
        }
        Ok(catalog)
    }

    /// The files, in no order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, slot: u32) -> Option<&Arc<Entry>> {
        self.entries.get(&slot)
    }

    pub(super) fn file(&self, file_id: &str) -> Option<&Arc<Entry>> {
        self.entries.get(self.slots.get(file_id)?)
    }

    /// Chunks of all files.
    pub(super) fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Bytes of text in all chunks.
    pub(super) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Bytes that all passages take, packed.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }

    /// Rows of vectors that belong to a file.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// How many changes led to this catalog.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn apply(&mut self, change: Change) {
        self.changes += 1;
        match change {
            Change::Add(entry) => self.add(entry),
            Change::Remove(slot) => self.remove(slot),
            Change::Embed { slot, first_row } => self.embed(slot, Some(first_row)),
            Change::ForgetVectors => {
                let slots: Vec<u32> = self.entries.keys().copied().collect();
                slots.into_iter().for_each(|slot| self.embed(slot, None));
            }
        }
    }

    fn add(&mut self, entry: Entry) {
        if let Some(old) = self.slots.insert(entry.file_id.clone(), entry.slot) {
            self.uncount(old);
        }
        self.chunks += u64::from(entry.chunks);
        self.text_bytes += entry.text_bytes;
        self.packed_bytes += entry.passages_bytes;
        self.rows += entry.rows();
        self.entries.insert(entry.slot, Arc::new(entry));
    }

    fn remove(&mut self, slot: u32) {
        if let Some(entry) = self.uncount(slot) {
            self.slots.remove(&entry.file_id);
        }
    }

    fn uncount(&mut self, slot: u32) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(&slot)?;
        self.chunks -= u64::from(entry.chunks);
        self.text_bytes -= entry.text_bytes;
        self.packed_bytes -= entry.passages_bytes;
        self.rows -= entry.rows();
        Some(entry)
    }

    fn embed(&mut self, slot: u32, first_row: Option<u64>) {
        if let Some(entry) = self.entries.get_mut(&slot) {
            self.rows -= entry.rows();
            Arc::make_mut(entry).first_row = first_row;
            self.rows += entry.rows();
        }
    }
}

impl Entry {
    /// How many vectors it has.
    pub(super) fn rows(&self) -> u64 {
        self.first_row.map_or(0, |_| u64::from(self.chunks))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn entry(slot: u32, file_id: &str, chunks: u32) -> Entry {
        Entry {
            slot,
            file_id: file_id.into(),
            chunks,
            text_bytes: 10,
            passages_at: 0,
            passages_bytes: 5,
            first_row: None,
        }
    }

    #[test]
    fn a_journal_gives_back_what_was_changed() {
        let changes = [
            Change::Add(entry(0, "a", 2)),
            Change::Add(entry(1, "b", 3)),
            Change::Embed { slot: 1, first_row: 7 },
            Change::Add(entry(2, "a", 4)),
            Change::Remove(1),
            Change::Embed { slot: 2, first_row: 10 },
        ];
        let journal: String =
            changes.iter().map(|change| serde_json::to_string(change).unwrap() + "\n").collect();
        let catalog = Catalog::replay(journal.as_bytes()).unwrap();
        assert_eq!(catalog.file("a").unwrap().first_row, Some(10));
        assert!(catalog.file("b").is_none());
        assert_eq!((catalog.len(), catalog.chunks(), catalog.rows()), (1, 4, 4));
        assert_eq!((catalog.text_bytes(), catalog.packed_bytes()), (10, 5));
    }

    #[test]
    fn forgetting_vectors_keeps_the_files() {
        let mut catalog = Catalog::default();
        catalog.apply(Change::Add(Entry { first_row: Some(0), ..entry(0, "a", 2) }));
        catalog.apply(Change::ForgetVectors);
        assert_eq!((catalog.rows(), catalog.chunks()), (0, 2));
    }
}
