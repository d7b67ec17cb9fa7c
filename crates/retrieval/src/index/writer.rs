//! Changes an index.

use std::fmt;
use std::sync::Arc;

use super::catalog::{Catalog, Change, Entry};
use super::log::{Appender, Log, sync_dir};
use super::open::Shared;
use super::query::{Embedded, Embedding};
use super::rows::{RowAppender, Rows};
use super::snapshot::{Snapshot, catalog_name, passages_name};
use super::state::State;
use super::words::WordWriter;
use super::{Chunk, IndexError, passages, quantise};

/// The one who changes an index.
///
/// Nothing that is done here is seen or durable before [`Writer::commit`]. A writer that is dropped takes back what it
/// didn't commit. It has threads and memory of its own; keep it while there is work, and drop it then.
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    words: WordWriter,
    /// What the next commit says.
    pub(super) state: State,
    pub(super) catalog: Catalog,
    /// Changes that aren't in the journal yet, as it has them.
    pub(super) journal: Vec<u8>,
    pub(super) passages: Option<Appender>,
    pub(super) rows: Option<(Arc<Rows>, RowAppender)>,
    /// Whether the next commit has to make names of files durable.
    pub(super) has_new_files: bool,
    has_failed: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Result<Self, IndexError> {
        let words = shared.words.writer(&shared.settings)?;
        let mut snapshot = shared.current();
        if shared.words.state()? != snapshot.state {
            // The commit of an earlier writer came through, although it ended with an error.
            snapshot = Arc::new(Snapshot::load(&shared.dir, &shared.words)?);
            shared.publish(snapshot.clone());
        }
        shared.sweep(&snapshot.state)?;
        let state = snapshot.state.clone();
        let passages = snapshot.passages.clone().map(|log| Appender::new(log, state.passages.length));
        let rows = snapshot.rows.clone().map(|rows| {
            let appender = RowAppender::new(&rows, state.rows.length);
            (rows, appender)
        });
        let catalog = (*snapshot.catalog).clone();
        let journal = Vec::new();
        Ok(Self {
            shared,
            words,
            state,
            catalog,
            journal,
            passages,
            rows,
            has_new_files: false,
            has_failed: false,
        })
    }

    /// Adds a file with its chunks, in place of what that file had. Vectors need the same model in all files.
    pub fn add(
        &mut self,
        file_id: &str,
        chunks: &[Chunk],
        embedded: Option<Embedded<'_>>,
    ) -> Result<(), IndexError> {
        let embedded = embedded.filter(|_| !chunks.is_empty());
        let vectors = embedded.map(|embedded| self.checked(embedded, chunks.len())).transpose()?;
        self.or_fail(|writer| writer.put(file_id, chunks, vectors))
    }

    /// Gives vectors to the chunks of a file that has none, or others.
    pub fn embed(&mut self, file_id: &str, embedded: Embedded<'_>) -> Result<(), IndexError> {
        let entry = self.catalog.file(file_id).ok_or_else(|| IndexError::UnknownFile(file_id.to_owned()))?;
        let slot = entry.slot;
        let vectors = match entry.chunks {
            0 => return Ok(()),
            chunks => self.checked(embedded, chunks as usize)?,
        };
        self.or_fail(|writer| {
            let first_row = writer.append_vectors(vectors)?;
            writer.change(Change::Embed { slot, first_row })
        })
    }

    /// Forgets all vectors, so that the files can be embedded by another model.
    pub fn forget_vectors(&mut self) -> Result<(), IndexError> {
        if self.state.embedding.is_none() {
            return Ok(());
        }
        self.or_fail(|writer| {
            writer.rows = None;
            writer.state.embedding = None;
            writer.state.rows = writer.state.rows.next_generation();
            writer.change(Change::ForgetVectors)
        })
    }

    /// Removes a file. Gives whether it was there.
    pub fn remove(&mut self, file_id: &str) -> Result<bool, IndexError> {
        let Some(slot) = self.catalog.file(file_id).map(|entry| entry.slot) else { return Ok(false) };
        self.or_fail(|writer| {
            writer.words.remove(slot);
            writer.change(Change::Remove(slot))?;
            Ok(true)
        })
    }

    /// Makes everything that was done since the last commit durable and visible, at one moment.
    ///
    /// It waits for the disk several times: commit many files at once.
    pub fn commit(&mut self) -> Result<(), IndexError> {
        self.or_fail(Self::commit_changes)
    }

    /// Waits for work in the background and ends the writer. Later searches are faster than after dropping it.
    /// What wasn't committed is taken back.
    pub fn finish(self) -> Result<(), IndexError> {
        let Self { shared, words, catalog: _, .. } = self;
        words.finish()?;
        let before = shared.current();
        let snapshot = Snapshot::new(
            before.state.clone(),
            before.catalog.clone(),
            before.passages.clone(),
            before.rows.clone(),
            &shared.words,
        )?;
        shared.publish(Arc::new(snapshot));
        Ok(())
    }

    /// Runs a change. After one that went wrong no other is accepted, because half of it may have been done.
    fn or_fail<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        if self.has_failed {
            return Err(IndexError::Failed);
        }
        let changed = change(self);
        self.has_failed = changed.is_err();
        changed
    }

    fn put(&mut self, file_id: &str, chunks: &[Chunk], vectors: Option<Vectors>) -> Result<(), IndexError> {
        if let Some(old) = self.catalog.file(file_id) {
            self.words.remove(old.slot);
        }
        let slot = self.state.next_slot;
        self.words.add(slot, chunks)?;
        let (passages_at, passages_bytes) = self.append_passages(chunks)?;
        let first_row = vectors.map(|vectors| self.append_vectors(vectors)).transpose()?;
        self.state.next_slot += 1;
        self.change(Change::Add(Entry {
            slot,
            file_id: file_id.into(),
            chunks: chunks.len() as u32,
            text_bytes: chunks.iter().map(|chunk| chunk.text.len() as u64).sum(),
            passages_at,
            passages_bytes,
            first_row,
        }))
    }

    fn append_passages(&mut self, chunks: &[Chunk]) -> Result<(u64, u64), IndexError> {
        let path = self.shared.dir.join(passages_name(self.state.passages.generation));
        let packed = passages::pack(chunks).map_err(IndexError::io("pack passages for", &path))?;
        let appender = match self.passages.take() {
            Some(appender) => appender,
            None => {
                self.has_new_files = true;
                Appender::new(Log::create(path)?, 0)
            }
        };
        let appender = self.passages.insert(appender);
        let at = appender.append(&packed)?;
        self.state.passages.length = appender.length();
        Ok((at, packed.len() as u64))
    }

    fn append_vectors(&mut self, vectors: Vectors) -> Result<u64, IndexError> {
        let (rows, mut appender) = match self.rows.take() {
            Some(known) => known,
            None => {
                let generation = self.state.rows.generation;
                let rows = Rows::create(&self.shared.dir, generation, vectors.embedding.dimensions)?;
                self.has_new_files = true;
                let appender = RowAppender::new(&rows, 0);
                (Arc::new(rows), appender)
            }
        };
        let first = appender.append(&vectors.components)?;
        self.state.rows.length = appender.rows();
        self.state.embedding = Some(vectors.embedding);
        self.rows = Some((rows, appender));
        Ok(first)
    }

    /// Vectors that fit the chunks and those that are in the index.
    fn checked(&self, embedded: Embedded<'_>, chunks: usize) -> Result<Vectors, IndexError> {
        let vectors = embedded.vectors;
        let dimensions = vectors.first().map_or(0, Vec::len);
        if vectors.len() != chunks {
            return Err(IndexError::Vectors(format!("there are {} for {chunks} chunks", vectors.len())));
        }
        if dimensions == 0 {
            return Err(IndexError::Vectors("the first has no components".to_owned()));
        }
        if let Some(other) = vectors.iter().find(|vector| vector.len() != dimensions) {
            let what = format!("one has {} components and another {dimensions}", other.len());
            return Err(IndexError::Vectors(what));
        }
        if !vectors.iter().flatten().all(|component| component.is_finite()) {
            return Err(IndexError::Vectors("a component isn't a finite number".to_owned()));
        }
        let given = Embedding { model: embedded.model.to_owned(), dimensions };
        match &self.state.embedding {
            Some(recorded) if *recorded != given => {
                Err(IndexError::OtherEmbedding { recorded: recorded.clone(), given })
            }
            _ => {
                let components = vectors.iter().flat_map(|vector| quantise::unit(vector)).collect();
                Ok(Vectors { embedding: given, components })
            }
        }
    }

    pub(super) fn change(&mut self, change: Change) -> Result<(), IndexError> {
        self.write_down(&change)?;
        self.catalog.apply(change);
        Ok(())
    }

    fn write_down(&mut self, change: &Change) -> Result<(), IndexError> {
        let line = serde_json::to_vec(change).map_err(std::io::Error::other);
        self.journal.extend(line.map_err(IndexError::io("write the catalog in", &self.shared.dir))?);
        self.journal.push(b'\n');
        Ok(())
    }

    fn commit_changes(&mut self) -> Result<(), IndexError> {
        if self.journal.is_empty() {
            return Ok(());
        }
        self.compact()?;
        self.append_journal()?;
        if let Some(passages) = &mut self.passages {
            passages.sync()?;
        }
        if let Some((_, rows)) = &mut self.rows {
            rows.sync()?;
        }
        if std::mem::take(&mut self.has_new_files) {
            sync_dir(&self.shared.dir)?;
        }
        self.words.commit(&self.state)?;
        self.publish()
    }

    fn append_journal(&mut self) -> Result<(), IndexError> {
        let path = self.shared.dir.join(catalog_name(self.state.catalog.generation));
        let length = self.state.catalog.length;
        let mut hasher = crc32fast::Hasher::new_with_initial_len(self.state.catalog_checksum, length);
        hasher.update(&self.journal);
        let log = if length == 0 {
            self.has_new_files = true;
            Log::create(path)?
        } else {
            Log::open(path, length)?
        };
        let mut appender = Appender::new(log, length);
        appender.append(&self.journal)?;
        appender.sync()?;
        self.state.catalog.length = appender.length();
        self.state.catalog_checksum = hasher.finalize();
        self.journal.clear();
        Ok(())
    }

    fn publish(&mut self) -> Result<(), IndexError> {
        let snapshot = Snapshot::new(
            self.state.clone(),
            Arc::new(self.catalog.clone()),
            self.passages.as_ref().map(|appender| appender.log().clone()),
            self.rows.as_ref().map(|(rows, _)| rows.clone()),
            &self.shared.words,
        )?;
        let before = self.shared.current();
        let has_garbage = before.state.names_other_files(&self.state);
        self.shared.publish(Arc::new(snapshot));
        if has_garbage { self.shared.sweep(&self.state) } else { Ok(()) }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("dir", &self.shared.dir)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Vectors that fit, with length one, one behind the other.
struct Vectors {
    embedding: Embedding,
    components: Vec<f32>,
}
