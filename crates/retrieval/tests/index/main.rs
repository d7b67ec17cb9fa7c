//! The index through its public face.

#![allow(clippy::unwrap_used)]

mod concurrency;
mod crash;
mod damage;
mod recall;
mod search;
mod vectors;
mod writing;

use cupola_retrieval::{Chunk, Hit, Index, Place, Query, QueryVector, Settings, Weights};

/// An index that compares all vectors exactly, with little memory for writing.
fn settings() -> Settings {
    Settings { writer_threads: 1, writer_memory: 15_000_000, ..Settings::default() }
}

fn chunk(ordinal: u32, text: &str) -> Chunk {
    let place = Place { page: Some(ordinal + 1), heading: None };
    Chunk { ordinal, text: text.to_owned(), tokens: text.split(' ').count() as u32, shared: 0, place }
}

fn chunks(texts: &[&str]) -> Vec<Chunk> {
    (0..).zip(texts).map(|(ordinal, text)| chunk(ordinal, text)).collect()
}

/// Adds files of one chunk and commits them.
fn add_texts(index: &Index, files: &[(&str, &str)]) {
    let mut writer = index.writer().unwrap();
    for (file_id, text) in files {
        writer.add(file_id, &chunks(&[text]), None).unwrap();
    }
    writer.commit().unwrap();
}

fn query(text: &str) -> Query<'_> {
    Query { text, vector: None, limit: 10, allowed: &|_| true, weights: Weights::default() }
}

fn query_vector<'a>(text: &'a str, vector: &'a [f32]) -> Query<'a> {
    Query { vector: Some(QueryVector { model: "test", vector }), ..query(text) }
}

fn files(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.file_id.as_str()).collect()
}

/// The ids of all files of an index, sorted.
fn file_ids(index: &Index) -> Vec<String> {
    let mut ids: Vec<String> = index.files().into_iter().map(|file| file.file_id).collect();
    ids.sort();
    ids
}
