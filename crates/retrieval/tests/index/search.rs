//! Searching by words.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use cupola_retrieval::{Index, Query};

use super::{add_texts, chunks, files, query, settings};

#[test]
fn rare_words_count_more_than_frequent_ones() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(
        &index,
        &[("common", "the the the the"), ("rare", "the zebra"), ("other", "the horse"), ("more", "the cow")],
    );
    assert_eq!(files(&index.search(&query("the zebra")).unwrap())[0], "rare");
}

#[test]
fn the_score_is_the_share_of_the_query_that_a_chunk_covers() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(&index, &[("all", "red green blue"), ("some", "red apple tree"), ("none", "something else")]);
    let hits = index.search(&query("red green blue")).unwrap();
    assert_eq!(files(&hits), ["all", "some"]);
    assert!(hits.iter().all(|hit| (0.0..=1.0).contains(&hit.score)));
    assert!(hits[0].score > 2.0 * hits[1].score, "{hits:?}");
    let all_words = index.search(&query("red green blue unheard-of words")).unwrap();
    assert!(all_words[0].score < hits[0].score);
    assert_eq!(hits[0].words.unwrap().rank, 1);
    assert!(hits[0].vectors.is_none());
}

#[test]
fn only_files_that_may_be_shown_are_found_and_the_limit_counts_those() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let names: Vec<String> = (0..300).map(|number| format!("file-{number}")).collect();
    add_texts(&index, &names.iter().map(|name| (name.as_str(), "same words")).collect::<Vec<_>>());
    let allowed = |file_id: &str| file_id.ends_with("7");
    let hits = index.search(&Query { allowed: &allowed, limit: 20, ..query("words") }).unwrap();
    assert_eq!(hits.len(), 20);
    assert!(hits.iter().all(|hit| allowed(&hit.file_id)));
}

#[test]
fn the_predicate_is_asked_once_for_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    writer.add("a", &chunks(&["word"; 50]), None).unwrap();
    writer.commit().unwrap();
    let asked = AtomicUsize::new(0);
    let allowed = |_: &str| asked.fetch_add(1, Ordering::Relaxed) < 1;
    let hits = index.search(&Query { allowed: &allowed, limit: 50, ..query("word") }).unwrap();
    assert_eq!((hits.len(), asked.into_inner()), (50, 1));
}

#[test]
fn queries_without_words_and_limits_of_zero_find_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    assert!(index.search(&query("anything")).unwrap().is_empty());
    add_texts(&index, &[("a", "anything")]);
    assert!(index.search(&query("?! --")).unwrap().is_empty());
    assert!(index.search(&query("")).unwrap().is_empty());
    assert!(index.search(&Query { limit: 0, ..query("anything") }).unwrap().is_empty());
}

#[test]
fn a_very_long_query_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(&index, &[("a", "aardvark word")]);
    let long: String = (0..5000).map(|number| format!("aardvark word{number} ")).collect();
    assert_eq!(files(&index.search(&query(&long)).unwrap()), ["a"]);
}

#[test]
fn words_are_found_across_scripts_and_spellings() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(
        &index,
        &[
            ("french", "une crème brûlée"),
            ("japanese", "東京都の天気"),
            ("code", "fn parseHttpHeader(raw: &str)"),
            ("plural", "several vector stores"),
        ],
    );
    let found = |text: &str| {
        let hits = index.search(&query(text)).unwrap();
        hits.first().map(|hit| hit.file_id.clone()).unwrap_or_default()
    };
    assert_eq!(found("CREME BRULEE"), "french");
    assert_eq!(found("京都"), "japanese");
    assert_eq!(found("天"), "japanese");
    assert_eq!(found("http header"), "code");
    assert_eq!(found("parseHttpHeader"), "code");
    assert_eq!(found("vector store"), "plural");
}

#[test]
fn chunks_of_one_file_and_of_many_commits_are_ranked_together() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let number = Cell::new(0);
    let mut writer = index.writer().unwrap();
    for repeated in [1, 5, 3, 2, 4] {
        let text = "needle ".repeat(repeated) + &"hay ".repeat(10 - repeated);
        writer
            .add(&format!("{repeated}-{}", number.replace(number.get() + 1)), &chunks(&[&text]), None)
            .unwrap();
        writer.commit().unwrap();
    }
    let hits = index.search(&query("needle")).unwrap();
    assert_eq!(files(&hits), ["5-1", "4-4", "3-2", "2-3", "1-0"]);
}
