//! The index as its owner holds it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::log::sync_dir;
use super::query::{Hit, IndexedFile, Query, Settings, Stats};
use super::snapshot::{Snapshot, catalog_name, passages_name};
use super::state::State;
use super::words::Words;
use super::writer::Writer;
use super::{Chunk, IndexError, rows};

/// The name of the directory of the index of words.
const WORDS: &str = "words";

/// The searchable index of one vector store.
///
/// Cheap to clone; clones are the same index. Open a directory once at a time. An open index has no threads and keeps
/// little in memory, until vectors are searched: then the quantised ones, a byte for each component. Dropping the
/// index gives all of it back.
#[derive(Clone)]
pub struct Index(pub(super) Arc<Shared>);

/// What an index, its writer and its searches share.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) settings: Settings,
    pub(super) words: Words,
    current: RwLock<Arc<Snapshot>>,
}

impl Index {
    /// Opens the index in `dir`. If there is none, an empty one is made.
    pub fn open(dir: impl Into<PathBuf>, settings: Settings) -> Result<Self, IndexError> {
        let dir = dir.into();
        let words_dir = dir.join(WORDS);
        if !words_dir.join("meta.json").exists() && has_logs(&dir) {
            return Err(IndexError::damaged(&dir, "its record of the last commit is missing"));
        }
        if !words_dir.exists() {
            fs::create_dir_all(&words_dir).map_err(IndexError::io("create", &words_dir))?;
            sync_dir(&dir)?;
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            parent.map_or(Ok(()), sync_dir)?;
        }
        let words = Words::open(&words_dir)?;
        let current = RwLock::new(Arc::new(Snapshot::load(&dir, &words)?));
        Ok(Self(Arc::new(Shared { dir, settings, words, current })))
    }

    /// Begins to write. There is one writer at a time, and searches go on meanwhile.
    pub fn writer(&self) -> Result<Writer, IndexError> {
        Writer::new(self.0.clone())
    }

    /// Finds chunks, the best first. Sees the last commit.
    ///
    /// A query with a vector of another model than the recorded one is refused, and may be asked again without it.
    pub fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, IndexError> {
        self.0.current().search(&self.0.words, &self.0.settings, query)
    }

    /// The chunks of a file in their order.
    pub fn passages(&self, file_id: &str) -> Result<Option<Vec<Chunk>>, IndexError> {
        let snapshot = self.0.current();
        snapshot.catalog.file(file_id).map(|entry| snapshot.passages(entry)).transpose()
    }

    /// The files of the index, in no order.
    pub fn files(&self) -> Vec<IndexedFile> {
        let snapshot = self.0.current();
        let file = |entry: &Arc<super::catalog::Entry>| IndexedFile {
            file_id: entry.file_id.to_string(),
            chunks: entry.chunks,
            text_bytes: entry.text_bytes,
            is_embedded: entry.first_row.is_some(),
        };
        snapshot.catalog.entries().map(file).collect()
    }

    /// How much there is.
    pub fn stats(&self) -> Result<Stats, IndexError> {
        let snapshot = self.0.current();
        Ok(Stats {
            files: snapshot.catalog.len() as u64,
            chunks: snapshot.catalog.chunks(),
            embedded_chunks: snapshot.catalog.rows(),
            text_bytes: snapshot.catalog.text_bytes(),
            disk_bytes: disk_bytes(&self.0.dir)?,
            embedding: snapshot.state.embedding.clone(),
        })
    }

    /// Reads everything and reports damage. Opening checks less, because it has to be quick.
    pub fn verify(&self) -> Result<(), IndexError> {
        let snapshot = self.0.current();
        self.0.words.verify()?;
        for entry in snapshot.catalog.entries() {
            snapshot.passages(entry)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("dir", &self.0.dir).finish_non_exhaustive()
    }
}

impl Shared {
    /// What was committed last.
    pub(super) fn current(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets searches see what was committed now.
    pub(super) fn publish(&self, snapshot: Arc<Snapshot>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    /// Deletes the files that `state` doesn't name. One that can't be deleted now is deleted another time.
    pub(super) fn sweep(&self, state: &State) -> Result<(), IndexError> {
        let living = [
            catalog_name(state.catalog.generation),
            passages_name(state.passages.generation),
            rows::exact_name(state.rows.generation),
            rows::small_name(state.rows.generation),
        ];
        for entry in fs::read_dir(&self.dir).map_err(IndexError::io("list", &self.dir))? {
            let entry = entry.map_err(IndexError::io("list", &self.dir))?;
            let name = entry.file_name();
            if is_log(&name.to_string_lossy()) && !living.iter().any(|living| name == living.as_str()) {
                fs::remove_file(entry.path()).ok();
            }
        }
        Ok(())
    }
}

fn has_logs(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().any(|entry| is_log(&entry.file_name().to_string_lossy()))
}

/// Whether a file is one that the index made, beside those of words.
fn is_log(name: &str) -> bool {
    ["catalog-", "passages-", "vectors-"].iter().any(|prefix| name.starts_with(prefix))
}

fn disk_bytes(dir: &Path) -> Result<u64, IndexError> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).map_err(IndexError::io("list", dir))? {
        // A file that a merge has just deleted has no size.
        let Ok(entry) = entry else { continue };
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes += disk_bytes(&entry.path())?,
            Ok(metadata) => bytes += metadata.len(),
            Err(_) => {}
        }
    }
    Ok(bytes)
}
