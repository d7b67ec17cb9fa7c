//! The place of one store: its index, opened when it is needed, and written by one at a time.

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use super::{Entry, LibraryError};
use crate::{Embedded, Index, IndexError, Settings, Writer};

/// Counts uses, to know which was the last.
static USES: AtomicU64 = AtomicU64::new(0);

/// The place of one store.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    settings: Settings,
    index: Mutex<Option<Index>>,
    writing: Arc<Turn<()>>,
    last_used: AtomicU64,
}

impl Shelf {
    pub fn new(dir: PathBuf, settings: Settings) -> Self {
        let shelf = Self {
            dir,
            settings,
            index: Mutex::default(),
            writing: Arc::default(),
            last_used: AtomicU64::default(),
        };
        shelf.used();
        shelf
    }

    /// Notes that it was used.
    pub fn used(&self) {
        self.last_used.store(USES.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The later, the larger.
    pub fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Waits for the turn to write.
    pub async fn write(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.writing).lock_owned().await
    }

    /// The index, if anything was ever written.
    pub fn index_if_any(&self) -> Result<Option<Index>, IndexError> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index.is_none() && !self.dir.exists() {
            return Ok(None);
        }
        self.open(&mut index).map(Some)
    }

    fn index(&self) -> Result<Index, IndexError> {
        self.open(&mut self.index.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self, index: &mut Option<Index>) -> Result<Index, IndexError> {
        if let Some(index) = index {
            return Ok(index.clone());
        }
        Ok(index.insert(Index::open(&self.dir, self.settings.clone())?).clone())
    }

    /// Puts files into the index. Gives how many bytes of text each has.
    pub fn put(&self, entries: &[Entry], model: Option<&str>) -> Result<Vec<u64>, IndexError> {
        let mut writer = self.index()?.writer()?;
        for entry in entries {
            let vectors = model.zip(entry.vectors.as_deref());
            let embedded = vectors.map(|(model, vectors)| Embedded { model, vectors });
            with_today_s_vectors(&mut writer, |writer| writer.add(&entry.file_id, &entry.chunks, embedded))?;
        }
        writer.commit()?;
        writer.finish()?;
        let text = |entry: &Entry| entry.chunks.iter().map(|chunk| chunk.text.len() as u64).sum();
        Ok(entries.iter().map(text).collect())
    }

    /// Removes files.
    pub fn remove(&self, files: &[String], is_gone: &dyn Fn(&str) -> bool) -> Result<(), IndexError> {
        let Some(index) = self.index_if_any()? else { return Ok(()) };
        let mut writer = index.writer()?;
        for file in files.iter().filter(|file| is_gone(file)) {
            writer.remove(file)?;
        }
        writer.commit()?;
        writer.finish()
    }

    /// Gives vectors to the chunks of a file that is there.
    pub fn embed(&self, file: &str, model: &str, vectors: &[Vec<f32>]) -> Result<(), IndexError> {
        let mut writer = self.index()?.writer()?;
        let embedded = Embedded { model, vectors };
        match with_today_s_vectors(&mut writer, |writer| writer.embed(file, embedded)) {
            // It was removed meanwhile.
            Err(IndexError::UnknownFile(_)) => return Ok(()),
            embedded => embedded?,
        }
        writer.commit()?;
        writer.finish()
    }

    /// Deletes everything on disk.
    pub fn discard(&self) -> Result<(), LibraryError> {
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match fs::remove_dir_all(&self.dir) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(IndexError::Io { doing: "delete", path: self.dir.clone(), source }.into()),
        }
    }
}

/// Makes a change. Where it brings vectors of another model than those that there are, the old ones are forgotten:
/// they can't be compared, and the files that had them are embedded again by and by.
fn with_today_s_vectors(
    writer: &mut Writer,
    change: impl Fn(&mut Writer) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    match change(writer) {
        Err(IndexError::OtherEmbedding { recorded, given }) => {
            tracing::info!(%recorded, %given, "the vectors of another model are forgotten");
            writer.forget_vectors()?;
            change(writer)
        }
        changed => changed,
    }
}
