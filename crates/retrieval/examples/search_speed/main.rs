//! Measures how fast the index takes text in and finds it again.
//!
//! `cargo run --release --example search_speed -p cupola-retrieval [CHUNKS …]`
//!
//! Beside the time on the clock it says what the processor spent, in all threads, which other work on the machine
//! disturbs less.

mod corpus;

use std::path::Path;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use cupola_retrieval::{Embedded, Index, IndexError, Query, QueryVector, Settings, Weights};

use corpus::Corpus;

const VOCABULARY: usize = 200_000;
const DIMENSIONS: usize = 384;
const FILE_CHUNKS: usize = 20;
/// Files of a commit.
const GROUP: usize = 100;
const QUERIES: usize = 300;
const QUERY_WORDS: usize = 6;
const HITS: usize = 20;
const MODEL: &str = "made";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|count| count.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![10_000, 100_000] } else { asked };
    ingestion()?;
    for chunks in sizes {
        let dir = tempfile::tempdir()?;
        let mut corpus = Corpus::new(1, VOCABULARY, DIMENSIONS);
        fill(dir.path(), &mut corpus, chunks)?;
        searches(dir.path(), &mut corpus)?;
    }
    Ok(())
}

/// Takes in text without vectors, all of which is made before.
fn ingestion() -> Result<(), Box<dyn std::error::Error>> {
    const FILES: usize = 1000;
    let dir = tempfile::tempdir()?;
    let mut corpus = Corpus::new(2, VOCABULARY, DIMENSIONS);
    let files: Vec<_> = (0..FILES).map(|_| corpus.file(FILE_CHUNKS)).collect();
    let bytes: usize = files.iter().map(|(_, bytes)| bytes).sum();
    let index = Index::open(dir.path(), Settings::default())?;
    let (begin, begin_cpu) = (Instant::now(), ProcessTime::now());
    let mut writer = index.writer()?;
    let mut slowest = Duration::ZERO;
    for (group, files) in files.chunks(GROUP).enumerate() {
        for (number, (chunks, _)) in files.iter().enumerate() {
            writer.add(&format!("file-{group}-{number}"), chunks, None)?;
        }
        let begin = Instant::now();
        writer.commit()?;
        slowest = slowest.max(begin.elapsed());
    }
    let committed = begin.elapsed();
    writer.finish()?;
    println!(
        "ingestion of {} MB in {FILES} files, {GROUP} in a commit: {:.1} MB/s ({:.1} MB/s with the end of merges), \
         {:.1} MB in a second of processor time, slowest commit {} ms, {} MB on disk",
        bytes / 1_000_000,
        bytes as f64 / 1e6 / committed.as_secs_f64(),
        bytes as f64 / 1e6 / begin.elapsed().as_secs_f64(),
        bytes as f64 / 1e6 / begin_cpu.elapsed().as_secs_f64(),
        slowest.as_millis(),
        index.stats()?.disk_bytes / 1_000_000,
    );
    Ok(())
}

fn fill(dir: &Path, corpus: &mut Corpus, chunks: usize) -> Result<(), IndexError> {
    let index = Index::open(dir, Settings::default())?;
    let mut writer = index.writer()?;
    for number in 0..chunks / FILE_CHUNKS {
        let (texts, _) = corpus.file(FILE_CHUNKS);
        let vectors = corpus.vectors(FILE_CHUNKS);
        writer.add(&format!("file-{number}"), &texts, Some(Embedded { model: MODEL, vectors: &vectors }))?;
        if number % GROUP == GROUP - 1 {
            writer.commit()?;
        }
    }
    writer.commit()?;
    writer.finish()
}

fn searches(dir: &Path, corpus: &mut Corpus) -> Result<(), IndexError> {
    let begin = Instant::now();
    let index = Index::open(dir, Settings::default())?;
    let opened = begin.elapsed();
    let queries: Vec<(String, Vec<f32>)> =
        (0..QUERIES).map(|_| (corpus.query(QUERY_WORDS), corpus.vector())).collect();
    let begin = Instant::now();
    search(&index, &queries[0], Weights::default())?;
    println!(
        "{} chunks, {} MB on disk: opened in {:.1} ms, first search {:.1} ms",
        index.stats()?.chunks,
        index.stats()?.disk_bytes / 1_000_000,
        milliseconds(opened),
        milliseconds(begin.elapsed()),
    );
    for (name, weights) in [
        ("words", Weights { words: 1.0, vectors: 0.0 }),
        ("vectors", Weights { words: 0.0, vectors: 1.0 }),
        ("hybrid", Weights::default()),
    ] {
        let mut clock = Vec::with_capacity(queries.len());
        let mut processor = Vec::with_capacity(queries.len());
        for query in &queries {
            let (begin, begin_cpu) = (Instant::now(), ProcessTime::now());
            search(&index, query, weights)?;
            clock.push(begin.elapsed());
            processor.push(begin_cpu.elapsed());
        }
        println!("  {name:8} {}; processor {}", percentiles(clock), percentiles(processor));
    }
    Ok(())
}

fn search(index: &Index, (text, vector): &(String, Vec<f32>), weights: Weights) -> Result<usize, IndexError> {
    let vector = Some(QueryVector { model: MODEL, vector });
    let query = Query { text, vector, limit: HITS, allowed: &|_| true, weights };
    index.search(&query).map(|hits| hits.len())
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| milliseconds(times[times.len() * share / 100]);
    format!("p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms", at(50), at(90), at(99))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
