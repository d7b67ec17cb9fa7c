//! Searches while an index changes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use cupola_retrieval::{Embedded, Index, Settings};

use super::{chunks, query_vector, settings};

/// Every commit replaces all files by a next edition, in which words, vectors and texts agree.
#[test]
fn a_search_sees_one_commit_as_a_whole() {
    const FILES: usize = 6;
    const EDITIONS: u64 = 12;
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), Settings { exact_up_to: 10, ..settings() }).unwrap();
    let write = |writer: &mut cupola_retrieval::Writer, edition: u64| {
        for file in 0..FILES {
            let texts = [format!("common edition{edition}"), format!("common other{edition}")];
            let vectors = vec![vec![1.0, edition as f32]; 2];
            let embedded = Some(Embedded { model: "test", vectors: &vectors });
            writer
                .add(&format!("file-{file}"), &chunks(&texts.each_ref().map(String::as_str)), embedded)
                .unwrap();
        }
        writer.commit().unwrap();
    };
    let mut writer = index.writer().unwrap();
    write(&mut writer, 0);

    let done = AtomicBool::new(false);
    let searches = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut newest = 0;
                while !done.load(Ordering::Acquire) {
                    let hits = index.search(&query_vector("common", &[1.0, 1.0])).unwrap();
                    let mut editions: Vec<u64> = hits.iter().map(|hit| edition(&hit.chunk.text)).collect();
                    assert_eq!(hits.len(), 10);
                    editions.dedup();
                    assert_eq!(editions.len(), 1, "a search saw {editions:?}");
                    assert!(editions[0] >= newest, "a search went back in time");
                    newest = editions[0];
                    searches.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for edition in 1..EDITIONS {
            write(&mut writer, edition);
        }
        writer.finish().unwrap();
        while searches.load(Ordering::Relaxed) < 20 {
            thread::yield_now();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(index.stats().unwrap().chunks, 2 * FILES as u64);
    index.verify().unwrap();
}

fn edition(text: &str) -> u64 {
    text.trim_start_matches(|character: char| !character.is_ascii_digit()).parse().unwrap()
}

#[test]
fn a_file_that_is_removed_during_searches_is_either_whole_or_gone() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                if let Some(passages) = index.passages("a").unwrap() {
                    assert_eq!(passages, chunks(&["first", "second"]));
                }
            }
        });
        for _ in 0..8 {
            writer.add("a", &chunks(&["first", "second"]), None).unwrap();
            writer.commit().unwrap();
            writer.remove("a").unwrap();
            writer.commit().unwrap();
        }
        done.store(true, Ordering::Release);
    });
    assert!(index.passages("a").unwrap().is_none());
}
