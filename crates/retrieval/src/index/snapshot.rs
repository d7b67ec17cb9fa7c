//! What was committed at one moment, as searches see it.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;

use tantivy::Searcher;

use super::catalog::{Catalog, Entry};
use super::fusion::{self, Fused, Ranking};
use super::log::Log;
use super::nearest::{self, RowRange};
use super::passages::Unpacker;
use super::query::{Embedding, Hit, Query, QueryVector};
use super::rows::Rows;
use super::state::State;
use super::words::Words;
use super::{Chunk, IndexError, Settings};

/// How many chunks each ranking gives at least, for fusion to choose from.
const CANDIDATES: usize = 100;

/// A view of the index that stays as it is.
pub(super) struct Snapshot {
    pub(super) state: State,
    pub(super) catalog: Arc<Catalog>,
    pub(super) passages: Option<Log>,
    pub(super) rows: Option<Arc<Rows>>,
    searcher: Searcher,
    /// Which rows belong to which file, in the order of rows.
    ranges: OnceLock<Vec<RowRange>>,
}

impl Snapshot {
    /// Reads what was committed last.
    pub(super) fn load(dir: &Path, words: &Words) -> Result<Self, IndexError> {
        let state = words.state()?;
        let catalog = Arc::new(load_catalog(dir, &state)?);
        let passages = match state.passages.length {
            0 => None,
            length => Some(Log::open(dir.join(passages_name(state.passages.generation)), length)?),
        };
        let rows = match &state.embedding {
            None => None,
            Some(Embedding { dimensions, .. }) => {
                let rows = Rows::open(dir, state.rows.generation, *dimensions, state.rows.length)?;
                Some(Arc::new(rows))
            }
        };
        Self::new(state, catalog, passages, rows, words)
    }

    /// A view of what the index of words has just committed.
    pub(super) fn new(
        state: State,
        catalog: Arc<Catalog>,
        passages: Option<Log>,
        rows: Option<Arc<Rows>>,
        words: &Words,
    ) -> Result<Self, IndexError> {
        let searcher = words.reload()?;
        Ok(Self { state, catalog, passages, rows, searcher, ranges: OnceLock::new() })
    }

    /// The chunks of a file in their order.
    pub(super) fn passages(&self, entry: &Entry) -> Result<Vec<Chunk>, IndexError> {
        match &self.passages {
            Some(log) => Unpacker::new(log)?.all(entry),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn search(
        &self,
        words: &Words,
        settings: &Settings,
        query: &Query<'_>,
    ) -> Result<Vec<Hit>, IndexError> {
        let (by_words, by_vector) = self.rankings(words, settings, query)?;
        let mut found = fusion::fuse(by_words, by_vector, query.weights);
        found.truncate(query.limit);
        self.hits(&found)
    }

    /// What was asked for of the rankings by words and by vectors. Without vectors there are words.
    fn rankings(
        &self,
        words: &Words,
        settings: &Settings,
        query: &Query<'_>,
    ) -> Result<(Option<Ranking>, Option<Ranking>), IndexError> {
        let depth = CANDIDATES.max(query.limit.saturating_mul(2));
        let allowed = || Allowed::new(&self.catalog, query.allowed);
        let by_words = || {
            let mut allowed = allowed();
            words.search(&self.searcher, query.text, depth, |slot| allowed.ask(slot))
        };
        let vector = query.vector.filter(|_| query.weights.vectors > 0.0);
        let Some((rows, vector)) = vector.map(|vector| self.rows_for(vector)).transpose()?.flatten() else {
            return Ok((Some(by_words()?), None));
        };
        let is_exact = self.state.rows.length <= settings.exact_up_to;
        let nearest = if is_exact { nearest::exact } else { nearest::approximate };
        let by_vector = || {
            let ranges = self.ranges.get_or_init(|| row_ranges(&self.catalog));
            let mut allowed = allowed();
            nearest(rows, self.state.rows.length, ranges, vector, depth, &mut |slot| allowed.ask(slot))
        };
        if query.weights.words <= 0.0 {
            return Ok((None, Some(by_vector()?)));
        }
        // Few rows take less time than to begin a thread.
        let (by_words, by_vector) =
            if is_exact { (by_words(), by_vector()) } else { at_once(by_words, by_vector) };
        Ok((Some(by_words?), Some(by_vector?)))
    }

    /// The rows to compare a vector with, unless there are none.
    fn rows_for<'a>(&self, query: QueryVector<'a>) -> Result<Option<(&Rows, &'a [f32])>, IndexError> {
        let (Some(rows), Some(recorded)) = (&self.rows, &self.state.embedding) else { return Ok(None) };
        let given = Embedding { model: query.model.to_owned(), dimensions: query.vector.len() };
        if *recorded != given {
            return Err(IndexError::OtherEmbedding { recorded: recorded.clone(), given });
        }
        Ok(Some((rows, query.vector)))
    }

    /// Fetches the texts of what was found.
    fn hits(&self, found: &[Fused]) -> Result<Vec<Hit>, IndexError> {
        let Some(log) = &self.passages else { return Ok(Vec::new()) };
        let mut unpacker = Unpacker::new(log)?;
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_unstable_by_key(|index| found[*index].key);
        let mut hits: Vec<(usize, Hit)> = Vec::with_capacity(found.len());
        for of_file in order.chunk_by(|a, b| found[*a].key.slot == found[*b].key.slot) {
            let Some(entry) = self.catalog.entry(found[of_file[0]].key.slot) else { continue };
            let places: Vec<u32> = of_file.iter().map(|index| found[*index].key.place).collect();
            for (index, chunk) in of_file.iter().zip(unpacker.some(entry, &places)?) {
                let Fused { score, words, vectors, .. } = found[*index];
                hits.push((*index, Hit { file_id: entry.file_id.to_string(), chunk, score, words, vectors }));
            }
        }
        hits.sort_unstable_by_key(|(index, _)| *index);
        Ok(hits.into_iter().map(|(_, hit)| hit).collect())
    }
}

/// Remembers which files may be shown.
struct Allowed<'a> {
    catalog: &'a Catalog,
    predicate: &'a (dyn Fn(&str) -> bool + Sync),
    known: HashMap<u32, bool>,
}

impl<'a> Allowed<'a> {
    fn new(catalog: &'a Catalog, predicate: &'a (dyn Fn(&str) -> bool + Sync)) -> Self {
        Self { catalog, predicate, known: HashMap::new() }
    }

    fn ask(&mut self, slot: u32) -> bool {
        let Self { catalog, predicate, known } = self;
        *known
            .entry(slot)
            .or_insert_with(|| catalog.entry(slot).is_some_and(|entry| predicate(&entry.file_id)))
    }
}

/// Does two things at the same time, or one after the other where there is no thread to be had.
fn at_once<A: Send, B>(a: impl Fn() -> A + Sync, b: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("search".to_owned()).spawn_scoped(scope, &a);
        let b = b();
        let a = thread.map_or_else(|_| a(), |a| a.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (a, b)
    })
}

fn load_catalog(dir: &Path, state: &State) -> Result<Catalog, IndexError> {
    if state.catalog.length == 0 {
        return Ok(Catalog::default());
    }
    let log = Log::open(dir.join(catalog_name(state.catalog.generation)), state.catalog.length)?;
    let length = usize::try_from(state.catalog.length).map_err(|_| log.damaged("is too long"))?;
    let journal = log.read(0, length)?;
    if crc32fast::hash(&journal) != state.catalog_checksum {
        return Err(log.damaged("has a wrong checksum"));
    }
    Catalog::replay(&journal).map_err(|error| log.damaged(&format!("can't be read: {error}")))
}

fn row_ranges(catalog: &Catalog) -> Vec<RowRange> {
    let range = |entry: &Arc<Entry>| {
        entry.first_row.map(|first| RowRange { first, count: entry.rows(), slot: entry.slot })
    };
    let mut ranges: Vec<RowRange> = catalog.entries().filter_map(range).collect();
    ranges.sort_unstable_by_key(|range| range.first);
    ranges
}

/// The name of a journal of files.
pub(super) fn catalog_name(generation: u64) -> String {
    format!("catalog-{generation}.log")
}

/// The name of a file of passages.
pub(super) fn passages_name(generation: u64) -> String {
    format!("passages-{generation}.log")
}
