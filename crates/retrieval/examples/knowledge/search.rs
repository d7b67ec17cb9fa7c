//! Searches among many chunks, asked for as the service does it.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use cupola_retrieval::{
    EmbedError, Embedder, Entry, Hit, Library, LibraryError, Models, Purpose, Question, Settings, Weights,
};
use serde_json::{Value, json};

use crate::{Outcome, corpus::Corpus, percentile};

const STORE: &str = "made";
const VOCABULARY: usize = 200_000;
const DIMENSIONS: usize = 384;
const FILE_CHUNKS: usize = 20;
/// Files of a commit.
const GROUP: usize = 100;
const QUERY_WORDS: usize = 6;
const HITS: usize = 20;
/// Hits of the exact answer that should be there.
const RECALLED: usize = 10;

const WORDS: Weights = Weights { words: 1.0, vectors: 0.0 };
const VECTORS: Weights = Weights { words: 0.0, vectors: 1.0 };

/// Measures searches by words, by vectors and by both, and how much of the exact answer vectors give.
pub async fn measure(chunks: usize, queries: usize) -> Outcome<Value> {
    let folder = tempfile::tempdir()?;
    let corpus = Arc::new(Mutex::new(Corpus::new(1, VOCABULARY, DIMENSIONS)));
    let library = open(folder.path(), &corpus, Settings::default().exact_up_to);
    fill(&library, &corpus, chunks).await?;
    let mut questions = Vec::with_capacity(queries);
    for _ in 0..queries {
        let text = made(&corpus, |corpus| corpus.query(QUERY_WORDS));
        questions.push(Arc::new(library.models().question(&text).await));
    }
    let exact = open(folder.path(), &corpus, u64::MAX);
    Ok(json!({
        "words": times(&library, &questions, WORDS).await?,
        "vectors": times(&library, &questions, VECTORS).await?,
        "hybrid": times(&library, &questions, Weights::default()).await?,
        "recall": recall(&library, &exact, &questions).await?,
    }))
}

fn open(folder: &Path, corpus: &Arc<Mutex<Corpus>>, exact_up_to: u64) -> Library {
    let embedder: Arc<dyn Embedder> = Arc::new(Made(Arc::clone(corpus)));
    let models = Models { embedder: Some(embedder), ..Models::default() };
    Library::new(folder, models, Settings { exact_up_to, ..Settings::default() })
}

async fn fill(library: &Library, corpus: &Arc<Mutex<Corpus>>, chunks: usize) -> Outcome<()> {
    let files: Vec<usize> = (0..chunks / FILE_CHUNKS).collect();
    for group in files.chunks(GROUP) {
        let mut entries = Vec::with_capacity(group.len());
        for number in group {
            let chunks = made(corpus, |corpus| corpus.file(FILE_CHUNKS));
            let vectors = library.models().embed(&chunks).await?;
            entries.push(Entry { file_id: format!("file-{number}"), chunks, vectors });
        }
        library.put(STORE, entries).await?;
    }
    Ok(())
}

/// The first search reads what the others find in memory, and is told apart.
async fn times(library: &Library, questions: &[Arc<Question>], weights: Weights) -> Outcome<Value> {
    let mut all = Vec::with_capacity(questions.len());
    for question in questions {
        let began = Instant::now();
        search(library, question, HITS, weights).await?;
        all.push(began.elapsed());
    }
    let first = all.remove(0).as_secs_f64() * 1000.0;
    Ok(json!({ "first": first, "p50": percentile(&mut all, 50), "p99": percentile(&mut all, 99) }))
}

/// The share of the exact answers that is found.
async fn recall(library: &Library, exact: &Library, questions: &[Arc<Question>]) -> Outcome<f64> {
    let (mut found, mut wanted) = (0, 0);
    for question in questions {
        let chunks = |hits: Vec<Hit>| -> HashSet<(String, u32)> {
            hits.into_iter().map(|hit| (hit.file_id, hit.chunk.ordinal)).collect()
        };
        let right = chunks(search(exact, question, RECALLED, VECTORS).await?);
        found += right.intersection(&chunks(search(library, question, RECALLED, VECTORS).await?)).count();
        wanted += right.len();
    }
    Ok(found as f64 / wanted as f64)
}

async fn search(
    library: &Library,
    question: &Arc<Question>,
    limit: usize,
    weights: Weights,
) -> Result<Vec<Hit>, LibraryError> {
    library.search(STORE, Arc::clone(question), limit, weights, |_| true).await
}

fn made<T>(corpus: &Mutex<Corpus>, make: impl FnOnce(&mut Corpus) -> T) -> T {
    make(&mut corpus.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Gives vectors like those of texts, without looking at the texts.
#[derive(Debug)]
struct Made(Arc<Mutex<Corpus>>);

#[async_trait]
impl Embedder for Made {
    fn model(&self) -> &str {
        "made"
    }

    async fn embed(&self, texts: &[&str], _: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(made(&self.0, |corpus| texts.iter().map(|_| corpus.vector()).collect()))
    }
}
