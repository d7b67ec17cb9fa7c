//! The library: the indexes of all vector stores in one folder, and the models that they are searched with.
//!
//! A store is only a name here. Whoever owns the library says which files of a store may be found, and makes a store
//! again whose index is damaged: the index is derived from the files.

mod error;
mod meaning;
mod shelf;

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::spawn_blocking;

pub use error::LibraryError;
pub use meaning::{Models, Question};

use crate::{Chunk, Hit, Index, IndexError, IndexedFile, Query, Settings, Weights};
use shelf::Shelf;

/// Stores whose index stays open after it was used.
const OPEN: usize = 64;

/// The indexes of all vector stores.
pub struct Library {
    folder: PathBuf,
    models: Models,
    settings: Settings,
    shelves: Mutex<HashMap<String, Arc<Shelf>>>,
}

/// A file that is to be put into an index.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file.
    pub file_id: String,
    /// Its chunks.
    pub chunks: Vec<Chunk>,
    /// A vector for each chunk, if there is an embedder.
    pub vectors: Option<Vec<Vec<f32>>>,
}

impl Library {
    /// A library in a folder, which is made when there is something to put into it.
    pub fn new(folder: impl Into<PathBuf>, models: Models, settings: Settings) -> Self {
        Self { folder: folder.into(), models, settings, shelves: Mutex::default() }
    }

    /// The models.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The stores that there is something of.
    pub fn stores(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Puts files into a store, in place of what they had there. When this returns, they are durable and found. Gives
    /// how many bytes of text each has.
    pub async fn put(&self, store: &str, entries: Vec<Entry>) -> Result<Vec<u64>, LibraryError> {
        let model = self.models.embedder.as_ref().map(|embedder| embedder.model().to_owned());
        self.write(store, move |shelf| shelf.put(&entries, model.as_deref())).await
    }

    /// Removes those of the files of a store for which `is_gone` holds at the moment of their removal.
    pub async fn remove(
        &self,
        store: &str,
        files: Vec<String>,
        is_gone: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<(), LibraryError> {
        self.write(store, move |shelf| shelf.remove(&files, &is_gone)).await
    }

    /// Gives vectors of today's model to a file of a store. Words find it all the time.
    pub async fn embed_again(&self, store: &str, file: &str) -> Result<(), LibraryError> {
        let Some(embedder) = &self.models.embedder else { return Ok(()) };
        let Some(chunks) = self.passages(store, file).await? else { return Ok(()) };
        let vectors = self.models.embed(&chunks).await?.unwrap_or_default();
        let (file, model) = (file.to_owned(), embedder.model().to_owned());
        self.write(store, move |shelf| shelf.embed(&file, &model, &vectors)).await
    }

    /// The files of a store that have no vectors of today's model. None, where there is no embedder.
    pub async fn without_vectors(&self, store: &str) -> Result<Vec<String>, LibraryError> {
        let Some(embedder) = &self.models.embedder else { return Ok(Vec::new()) };
        let model = embedder.model().to_owned();
        self.read(store, move |index| {
            let is_of_today = index.stats()?.embedding.is_none_or(|embedding| embedding.model == model);
            let files = index.files().into_iter();
            let files = files.filter(|file| file.chunks > 0 && !(is_of_today && file.is_embedded));
            Ok(files.map(|file| file.file_id).collect())
        })
        .await
    }

    /// The files of a store.
    pub async fn files(&self, store: &str) -> Result<Vec<IndexedFile>, LibraryError> {
        self.read(store, |index| Ok(index.files())).await
    }

    /// The chunks of a file in their order.
    pub async fn passages(&self, store: &str, file: &str) -> Result<Option<Vec<Chunk>>, LibraryError> {
        let file = file.to_owned();
        self.read(store, move |index| index.passages(&file)).await
    }

    /// The best chunks of a store, among the files that are allowed. Where the store has vectors of another model than
    /// the question, words alone decide.
    pub async fn search(
        &self,
        store: &str,
        question: Arc<Question>,
        limit: usize,
        weights: Weights,
        allowed: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Vec<Hit>, LibraryError> {
        self.read(store, move |index| {
            let vector = question.vector();
            let weights = if vector.is_some() { weights } else { Weights::default() };
            let query = Query { text: question.text(), vector, limit, allowed: &allowed, weights };
            match index.search(&query) {
                Err(IndexError::OtherEmbedding { .. }) => {
                    index.search(&Query { vector: None, weights: Weights::default(), ..query })
                }
                found => found,
            }
        })
        .await
    }

    /// Forgets a store with all that is on disk of it.
    pub async fn discard(&self, store: &str) -> Result<(), LibraryError> {
        let shelf = self.shelf(store);
        let writing = shelf.write().await;
        let outcome = spawn_blocking(move || {
            let discarded = shelf.discard();
            drop(writing);
            discarded
        });
        outcome.await.map_err(|_| LibraryError::Stopped)?
    }

    /// Waits until nobody writes. Whoever writes next may begin at once, so nobody should.
    pub async fn rest(&self) {
        let shelves: Vec<Arc<Shelf>> = self.shelves().values().map(Arc::clone).collect();
        for shelf in shelves {
            drop(shelf.write().await);
        }
    }

    /// Runs a change of a store, one at a time.
    async fn write<T: Send + 'static>(
        &self,
        store: &str,
        change: impl FnOnce(&Shelf) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, LibraryError> {
        let shelf = self.shelf(store);
        let writing = shelf.write().await;
        let outcome = spawn_blocking(move || {
            let changed = change(&shelf);
            drop(writing);
            changed
        });
        Ok(outcome.await.map_err(|_| LibraryError::Stopped)??)
    }

    /// Runs a read of a store. A store that nobody has put anything into is empty.
    async fn read<T: Default + Send + 'static>(
        &self,
        store: &str,
        read: impl FnOnce(&Index) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, LibraryError> {
        let shelf = self.shelf(store);
        let outcome = spawn_blocking(move || match shelf.index_if_any()? {
            Some(index) => read(&index),
            None => Ok(T::default()),
        });
        Ok(outcome.await.map_err(|_| LibraryError::Stopped)??)
    }

    fn shelf(&self, store: &str) -> Arc<Shelf> {
        let mut shelves = self.shelves();
        if let Some(shelf) = shelves.get(store) {
            shelf.used();
            return Arc::clone(shelf);
        }
        close_those_at_rest(&mut shelves);
        let shelf = Arc::new(Shelf::new(self.folder.join(store), self.settings.clone()));
        shelves.insert(store.to_owned(), Arc::clone(&shelf));
        shelf
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<String, Arc<Shelf>>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room for one more open store: of those that nobody uses at this moment, the ones that were used last stay.
fn close_those_at_rest(shelves: &mut HashMap<String, Arc<Shelf>>) {
    if shelves.len() < OPEN {
        return;
    }
    let at_rest = shelves.iter().filter(|(_, shelf)| Arc::strong_count(shelf) == 1);
    let oldest = at_rest.min_by_key(|(_, shelf)| shelf.last_used()).map(|(store, _)| store.clone());
    if let Some(store) = oldest {
        shelves.remove(&store);
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("folder", &self.folder)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}
