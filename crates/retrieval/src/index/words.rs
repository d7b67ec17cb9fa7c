//! The index of words: BM25 over the chunks' texts.
//!
//! A thin layer over `tantivy`, which keeps immutable segments and commits by replacing one small file. Its commit
//! carries the [`State`] of everything else.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tantivy::directory::MmapDirectory;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, UserOperation};
use tantivy::query::{BooleanQuery, EnableScoring, Query as _, TermQuery};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::store::Compressor;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError,
    Term,
};

use super::analysis::{self, Use};
use super::state::{FORMAT, State};
use super::top::Top;
use super::{Chunk, IndexError, Settings};

const ANALYZER: &str = "passage";
/// Segments of this size and larger stay as they are.
const LARGEST_MERGED: usize = 250_000;
/// The factor by which repeating a word can raise its weight (BM25's k1 + 1, with k1 as `tantivy` has it).
pub(super) const LARGEST_TERM_FACTOR: f32 = 2.2;
/// More words make a query slow and not better.
const MOST_QUERY_WORDS: usize = 64;

/// Files of up to this many chunks are handed over as a whole.
const SMALL_FILE: usize = 64;

/// A chunk: the number of its file and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ChunkKey {
    pub(super) slot: u32,
    pub(super) place: u32,
}

impl ChunkKey {
    fn pack(self) -> u64 {
        u64::from(self.slot) << 32 | u64::from(self.place)
    }

    fn unpack(packed: u64) -> Self {
        Self { slot: (packed >> 32) as u32, place: packed as u32 }
    }
}

/// The index of words of a store.
pub(super) struct Words {
    dir: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    text: Field,
    slot: Field,
    chunk: Field,
}

impl Words {
    /// Opens the index of words in `dir`, which must be there. Makes an empty one if there is none.
    pub(super) fn open(dir: &Path) -> Result<Self, IndexError> {
        let failed = |error| words_error(dir, error);
        let (schema, fields) = schema();
        let directory = MmapDirectory::open(dir).map_err(|error| failed(error.into()))?;
        let settings = IndexSettings { docstore_compression: Compressor::None, ..IndexSettings::default() };
        let builder = Index::builder().schema(schema).settings(settings);
        let index = builder.open_or_create(directory).map_err(failed)?;
        index.tokenizers().register(ANALYZER, analysis::analyzer(Use::Passage));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(failed)?;
        Ok(Self { dir: dir.to_owned(), index, reader, fields })
    }

    /// What was committed last.
    pub(super) fn state(&self) -> Result<State, IndexError> {
        let meta = self.index.load_metas().map_err(|error| words_error(&self.dir, error))?;
        let Some(payload) = meta.payload else { return Ok(State::default()) };
        match serde_json::from_str::<State>(&payload) {
            Ok(state) if state.format == FORMAT => Ok(state),
            Ok(state) => Err(self.damaged(format!("it has the format {} instead of {FORMAT}", state.format))),
            Err(error) => Err(self.damaged(format!("its record of the last commit can't be read: {error}"))),
        }
    }

    /// Shows what was committed since, and gives the view of now.
    pub(super) fn reload(&self) -> Result<Searcher, IndexError> {
        self.reader.reload().map_err(|error| words_error(&self.dir, error))?;
        Ok(self.reader.searcher())
    }

    /// Reads all files and compares their checksums.
    pub(super) fn verify(&self) -> Result<(), IndexError> {
        let broken = self.index.validate_checksum().map_err(|error| words_error(&self.dir, error))?;
        match broken.iter().next() {
            None => Ok(()),
            Some(file) => Err(self.damaged(format!("the checksum of {} is wrong", file.display()))),
        }
    }

    /// Begins to write. Starts threads, which end with the writer.
    pub(super) fn writer(&self, settings: &Settings) -> Result<WordWriter, IndexError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(settings.writer_threads)
            .memory_budget_per_thread(settings.writer_memory / settings.writer_threads.max(1))
            .num_merge_threads(1)
            .build();
        let writer = self.index.writer_with_options(options).map_err(|error| match error {
            TantivyError::LockFailure(..) => IndexError::Busy(self.dir.clone()),
            other => words_error(&self.dir, other),
        })?;
        let mut policy = LogMergePolicy::default();
        policy.set_max_docs_before_merge(LARGEST_MERGED);
        policy.set_del_docs_ratio_before_merge(0.3);
        writer.set_merge_policy(Box::new(policy));
        // What a killed writer left could have the names that this one is going to use.
        writer.garbage_collect_files().wait().map_err(|error| words_error(&self.dir, error))?;
        Ok(WordWriter { writer, fields: self.fields, dir: self.dir.clone() })
    }

    /// The best chunks for a query, with scores in [0, 1]: see [`best_score`].
    pub(super) fn search(
        &self,
        searcher: &Searcher,
        text: &str,
        limit: usize,
        mut allowed: impl FnMut(u32) -> bool,
    ) -> Result<Vec<(ChunkKey, f32)>, IndexError> {
        let failed = |error| words_error(&self.dir, error);
        let terms = self.terms(searcher, text).map_err(failed)?;
        let best_score = best_score(searcher, &terms);
        if limit == 0 || best_score <= 0.0 {
            return Ok(Vec::new());
        }
        let mut top = Top::new(limit);
        self.collect(searcher, terms, &mut top, &mut allowed).map_err(failed)?;
        let squash = |(key, score): (ChunkKey, f32)| (key, (score / best_score).clamp(0.0, 1.0));
        Ok(top.into_sorted().into_iter().map(squash).collect())
    }

    /// The words of a query, each with the number of chunks that have it. Of very many the rarest.
    fn terms(&self, searcher: &Searcher, text: &str) -> tantivy::Result<Vec<(Term, u64)>> {
        let words = analysis::words_of_query(text);
        let terms = words.iter().map(|word| Term::from_field_text(self.fields.text, word));
        let mut terms: Vec<(Term, u64)> = terms
            .map(|term| searcher.doc_freq(&term).map(|chunks| (term, chunks)))
            .collect::<tantivy::Result<_>>()?;
        if terms.len() > MOST_QUERY_WORDS {
            terms.sort_by_key(|(_, chunks)| (*chunks == 0, *chunks));
            terms.truncate(MOST_QUERY_WORDS);
        }
        Ok(terms)
    }

    /// Lets each segment offer what is better than what was found in those before.
    fn collect(
        &self,
        searcher: &Searcher,
        terms: Vec<(Term, u64)>,
        top: &mut Top<ChunkKey>,
        allowed: &mut dyn FnMut(u32) -> bool,
    ) -> tantivy::Result<()> {
        let of_word = |(term, _)| Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)) as Box<_>;
        let query = BooleanQuery::union(terms.into_iter().map(of_word).collect());
        let weight = query.weight(EnableScoring::enabled_from_searcher(searcher))?;
        for segment in searcher.segment_readers() {
            let keys = segment.fast_fields().u64("chunk")?.first_or_default_col(u64::MAX);
            let alive = segment.alive_bitset();
            weight.for_each_pruning(top.threshold(), segment, &mut |doc, score| {
                if alive.is_none_or(|alive| alive.is_alive(doc)) {
                    let key = ChunkKey::unpack(keys.get_val(doc));
                    if allowed(key.slot) {
                        top.push(score, key);
                    }
                }
                top.threshold()
            })?;
        }
        Ok(())
    }

    fn damaged(&self, what: String) -> IndexError {
        IndexError::damaged(&self.dir, what)
    }
}

/// What a chunk would score that has every word of the query very often. The share of it that a chunk reaches is its
/// score: how much of what the query asks for, weighted by how rare each word is, the chunk covers.
fn best_score(searcher: &Searcher, terms: &[(Term, u64)]) -> f32 {
    let chunks: u64 = searcher.segment_readers().iter().map(|segment| u64::from(segment.max_doc())).sum();
    let weight = |(_, with_word): &(Term, u64)| {
        let odds = (chunks.saturating_sub(*with_word) as f32 + 0.5) / (*with_word as f32 + 0.5);
        (1.0 + odds).ln()
    };
    terms.iter().map(weight).sum::<f32>() * LARGEST_TERM_FACTOR
}

/// Changes the index of words.
pub(super) struct WordWriter {
    writer: IndexWriter,
    fields: Fields,
    dir: PathBuf,
}

impl WordWriter {
    /// Adds the texts of a file. Those of a small file get into one segment, so that its commit has few to write.
    pub(super) fn add(&self, slot: u32, chunks: &[Chunk]) -> Result<(), IndexError> {
        let mut documents =
            (0..).zip(chunks).map(|(place, chunk)| self.document(ChunkKey { slot, place }, &chunk.text));
        let added = if chunks.len() <= SMALL_FILE {
            let operations: Vec<_> = documents.map(UserOperation::Add).collect();
            self.writer.run(operations).map(drop)
        } else {
            documents.try_for_each(|document| self.writer.add_document(document).map(drop))
        };
        added.map_err(|error| words_error(&self.dir, error))
    }

    fn document(&self, key: ChunkKey, text: &str) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.fields.text, text);
        document.add_u64(self.fields.slot, u64::from(key.slot));
        document.add_u64(self.fields.chunk, key.pack());
        document
    }

    /// Removes all chunks of a file.
    pub(super) fn remove(&self, slot: u32) {
        self.writer.delete_term(Term::from_field_u64(self.fields.slot, u64::from(slot)));
    }

    /// Makes everything durable, and `state` with it, at one moment.
    pub(super) fn commit(&mut self, state: &State) -> Result<(), IndexError> {
        let failed = |error| words_error(&self.dir, error);
        let payload =
            serde_json::to_string(state).map_err(|error| failed(std::io::Error::from(error).into()))?;
        let mut prepared = self.writer.prepare_commit().map_err(failed)?;
        prepared.set_payload(&payload);
        prepared.commit().map_err(failed)?;
        Ok(())
    }

    /// Waits for merges to end, and ends the threads.
    pub(super) fn finish(self) -> Result<(), IndexError> {
        self.writer.wait_merging_threads().map_err(|error| words_error(&self.dir, error))
    }
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_fieldnorms(true)
        .set_index_option(IndexRecordOption::WithFreqs);
    let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
    let slot = schema.add_u64_field("slot", NumericOptions::from(INDEXED));
    let chunk = schema.add_u64_field("chunk", NumericOptions::from(FAST));
    (schema.build(), Fields { text, slot, chunk })
}

/// Tells damage from other faults.
fn words_error(dir: &Path, error: TantivyError) -> IndexError {
    let is_damage = match &error {
        TantivyError::DataCorruption(_)
        | TantivyError::SchemaError(_)
        | TantivyError::IncompatibleIndex(_) => true,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => is_cut_or_changed(io_error),
        TantivyError::OpenReadError(_) => true,
        TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_)) => true,
        TantivyError::IoError(io_error) => is_cut_or_changed(io_error),
        _ => false,
    };
    match is_damage {
        true => IndexError::damaged(dir, error.to_string()),
        false => IndexError::Words { dir: dir.to_owned(), source: error },
    }
}

fn is_cut_or_changed(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData)
}
