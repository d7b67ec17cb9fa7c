//! Writes files with much garbage anew, under the next generation.
//!
//! It is a part of a commit: until that is done the old files count, and after it they are deleted.

use std::sync::Arc;

use super::IndexError;
use super::catalog::{Catalog, Change, Entry};
use super::log::{Appender, Log};
use super::rows::{RowAppender, Rows};
use super::snapshot::passages_name;
use super::writer::Writer;

/// Less garbage than this isn't worth the work.
const BYTES_WORTH_IT: u64 = 256 << 10;
const ROWS_WORTH_IT: u64 = 1024;
const CHANGES_WORTH_IT: u64 = 1024;

impl Writer {
    /// Writes anew what is mostly garbage.
    pub(super) fn compact(&mut self) -> Result<(), IndexError> {
        let passages =
            is_mostly_garbage(self.state.passages.length, self.catalog.packed_bytes(), BYTES_WORTH_IT);
        let rows = is_mostly_garbage(self.state.rows.length, self.catalog.rows(), ROWS_WORTH_IT);
        let changes = is_mostly_garbage(self.catalog.changes(), self.catalog.len() as u64, CHANGES_WORTH_IT);
        if !(passages || rows || changes) {
            return Ok(());
        }
        let mut entries: Vec<Entry> = self.catalog.entries().map(|entry| (**entry).clone()).collect();
        if passages {
            self.compact_passages(&mut entries)?;
        }
        if rows {
            self.compact_rows(&mut entries)?;
        }
        self.compact_catalog(entries)
    }

    fn compact_passages(&mut self, entries: &mut [Entry]) -> Result<(), IndexError> {
        let Some(old) = self.passages.take() else { return Ok(()) };
        let generation = self.state.passages.next_generation();
        let mut new =
            Appender::new(Log::create(self.shared.dir.join(passages_name(generation.generation)))?, 0);
        entries.sort_unstable_by_key(|entry| entry.passages_at);
        for entry in entries {
            let packed = old.log().read(entry.passages_at, entry.passages_bytes as usize)?;
            entry.passages_at = new.append(&packed)?;
        }
        self.state.passages = super::state::Extent { length: new.length(), ..generation };
        self.passages = Some(new);
        self.has_new_files = true;
        Ok(())
    }

    fn compact_rows(&mut self, entries: &mut [Entry]) -> Result<(), IndexError> {
        let Some((old, _)) = self.rows.take() else { return Ok(()) };
        let generation = self.state.rows.next_generation();
        let new = Rows::create(&self.shared.dir, generation.generation, old.dimensions())?;
        let mut appender = RowAppender::new(&new, 0);
        entries.sort_unstable_by_key(|entry| entry.first_row);
        for entry in entries {
            if let Some(first) = entry.first_row {
                entry.first_row = Some(appender.append(&old.read_exact(first, entry.chunks as usize)?)?);
            }
        }
        self.state.rows = super::state::Extent { length: appender.rows(), ..generation };
        self.rows = Some((Arc::new(new), appender));
        self.has_new_files = true;
        Ok(())
    }

    /// Begins a journal that says only what there is.
    fn compact_catalog(&mut self, mut entries: Vec<Entry>) -> Result<(), IndexError> {
        entries.sort_unstable_by_key(|entry| entry.slot);
        self.state.catalog = self.state.catalog.next_generation();
        self.state.catalog_checksum = 0;
        self.journal.clear();
        self.catalog = Catalog::default();
        for entry in entries {
            self.change(Change::Add(entry))?;
        }
        Ok(())
    }
}

fn is_mostly_garbage(all: u64, live: u64, worth_it: u64) -> bool {
    let garbage = all.saturating_sub(live);
    garbage > worth_it && garbage > live
}
