//! Searching by vectors, and by words and vectors together.

use cupola_retrieval::{Embedded, Embedding, Index, IndexError, Query, QueryVector, Settings, Weights};

use super::{add_texts, chunks, files, query, query_vector, settings};

fn embedded(vectors: &[Vec<f32>]) -> Option<Embedded<'_>> {
    Some(Embedded { model: "test", vectors })
}

/// Three files whose words and vectors disagree.
fn three_files(settings: Settings) -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings).unwrap();
    let mut writer = index.writer().unwrap();
    writer.add("x", &chunks(&["apples"]), embedded(&[vec![2.0, 0.0, 0.0]])).unwrap();
    writer.add("y", &chunks(&["pears"]), embedded(&[vec![0.0, 1.0, 0.0]])).unwrap();
    writer.add("xy", &chunks(&["apples and pears"]), embedded(&[vec![0.7, 0.7, 0.0]])).unwrap();
    writer.commit().unwrap();
    (dir, index)
}

#[test]
fn vectors_find_what_words_do_not() {
    for exact_up_to in [0, 100] {
        let (_dir, index) = three_files(Settings { exact_up_to, ..settings() });
        let hits = index.search(&query_vector("", &[0.1, 3.0, 0.0])).unwrap();
        assert_eq!(files(&hits), ["y", "xy", "x"]);
        assert!((hits[0].vectors.unwrap().score - 0.9994).abs() < 0.001, "{hits:?}");
    }
}

#[test]
fn words_and_vectors_are_fused_and_each_says_what_it_found() {
    let (_dir, index) = three_files(settings());
    let hits = index.search(&query_vector("pears", &[1.0, 0.1, 0.0])).unwrap();
    let xy = hits.iter().find(|hit| hit.file_id == "xy").unwrap();
    assert_eq!((xy.words.unwrap().rank, xy.vectors.unwrap().rank), (2, 2));
    let x = hits.iter().find(|hit| hit.file_id == "x").unwrap();
    assert!(x.words.is_none() && x.score <= 0.5);
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn a_ranking_without_weight_is_not_asked() {
    let (_dir, index) = three_files(settings());
    let search = |words: f32, vectors: f32| {
        let weights = Weights { words, vectors };
        index.search(&Query { weights, ..query_vector("pears", &[1.0, 0.0, 0.0]) }).unwrap()
    };
    assert_eq!(files(&search(0.0, 1.0))[0], "x");
    assert!(search(0.0, 1.0).iter().all(|hit| hit.words.is_none()));
    assert_eq!(files(&search(1.0, 0.0)), ["y", "xy"]);
}

#[test]
fn only_files_that_may_be_shown_are_found_by_vectors() {
    for exact_up_to in [0, 100] {
        let (_dir, index) = three_files(Settings { exact_up_to, ..settings() });
        let allowed = |file_id: &str| file_id != "x";
        let hits = index.search(&Query { allowed: &allowed, ..query_vector("", &[1.0, 0.0, 0.0]) }).unwrap();
        assert_eq!(files(&hits), ["xy", "y"]);
    }
}

#[test]
fn removed_and_replaced_files_are_not_found_by_vectors() {
    let (dir, index) = three_files(settings());
    let mut writer = index.writer().unwrap();
    writer.remove("x").unwrap();
    writer.add("y", &chunks(&["pears"]), embedded(&[vec![0.0, 0.0, 1.0]])).unwrap();
    writer.commit().unwrap();
    for index in [index, Index::open(dir.path(), settings()).unwrap()] {
        let hits = index.search(&query_vector("", &[1.0, 0.0, 0.1])).unwrap();
        assert_eq!(files(&hits), ["xy", "y"]);
    }
}

#[test]
fn files_without_vectors_are_found_by_words_beside_those_with() {
    let (_dir, index) = three_files(settings());
    add_texts(&index, &[("plain", "pears again")]);
    let hits = index.search(&query_vector("again", &[0.0, 1.0, 0.0])).unwrap();
    assert!(files(&hits).contains(&"plain"));
    assert_eq!(index.stats().unwrap().embedded_chunks, 3);
}

#[test]
fn vectors_of_another_model_or_size_are_refused_and_words_go_on() {
    let (_dir, index) = three_files(settings());
    let other = QueryVector { model: "other", vector: &[1.0, 0.0, 0.0] };
    let refused = index.search(&Query { vector: Some(other), ..query("pears") });
    assert!(matches!(refused, Err(IndexError::OtherEmbedding { .. })));
    let mut writer = index.writer().unwrap();
    let refused = writer.add("z", &chunks(&["plums"]), embedded(&[vec![1.0, 0.0]])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the vectors in the index are of 'test' with 3 dimensions, these are of 'test' with 2 dimensions; \
         forget the old ones and embed again"
    );
    writer.add("z", &chunks(&["plums"]), None).unwrap();
    writer.commit().unwrap();
    assert_eq!(files(&index.search(&query("plums")).unwrap()), ["z"]);
}

#[test]
fn a_store_can_change_its_model_while_words_are_found() {
    let (dir, index) = three_files(settings());
    let mut writer = index.writer().unwrap();
    writer.forget_vectors().unwrap();
    writer.commit().unwrap();
    assert_eq!(index.stats().unwrap().embedding, None);
    assert_eq!(files(&index.search(&query_vector("pears", &[1.0, 0.0, 0.0])).unwrap()), ["y", "xy"]);
    writer.embed("x", Embedded { model: "new", vectors: &[vec![0.0, 1.0]] }).unwrap();
    writer.commit().unwrap();
    drop(writer);
    for index in [index, Index::open(dir.path(), settings()).unwrap()] {
        let stats = index.stats().unwrap();
        assert_eq!(stats.embedding, Some(Embedding { model: "new".to_owned(), dimensions: 2 }));
        assert_eq!((stats.embedded_chunks, stats.chunks), (1, 3));
        let vector = QueryVector { model: "new", vector: &[0.0, 1.0] };
        let hits = index.search(&Query { vector: Some(vector), ..query("") }).unwrap();
        assert_eq!(files(&hits), ["x"]);
        let embedded: Vec<_> = index.files().into_iter().filter(|file| file.is_embedded).collect();
        assert_eq!(embedded.len(), 1);
    }
}

#[test]
fn vectors_that_do_not_fit_are_refused_and_the_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    let two = chunks(&["one", "two"]);
    for vectors in [
        vec![vec![1.0]],
        vec![vec![1.0], vec![1.0, 2.0]],
        vec![vec![], vec![]],
        vec![vec![f32::NAN], vec![1.0]],
    ] {
        assert!(matches!(writer.add("a", &two, embedded(&vectors)), Err(IndexError::Vectors(_))));
    }
    assert!(matches!(writer.embed("a", embedded(&[vec![1.0]]).unwrap()), Err(IndexError::UnknownFile(_))));
    writer.add("a", &two, embedded(&[vec![1.0], vec![-1.0]])).unwrap();
    writer.commit().unwrap();
    let hits = index.search(&query_vector("", &[1.0])).unwrap();
    assert_eq!((hits[0].chunk.ordinal, hits[0].vectors.unwrap().score), (0, 1.0));
    assert_eq!(hits[1].vectors.unwrap().score, 0.0);
}

#[test]
fn rows_of_removed_files_are_taken_off_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let texts = vec!["word"; 600];
    let vectors: Vec<Vec<f32>> = (0..600).map(|number| vec![1.0, number as f32, 0.0, 0.0]).collect();
    let mut writer = index.writer().unwrap();
    writer.add("stays", &chunks(&["word"]), embedded(&[vec![0.0, 0.0, 0.0, 1.0]])).unwrap();
    for _ in 0..6 {
        writer.add("a", &chunks(&texts), embedded(&vectors)).unwrap();
        writer.commit().unwrap();
    }
    drop(writer);
    let exact: u64 = dir
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".f32"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert!(exact < 6 * 600 * 16, "{exact} bytes of vectors");
    let index = Index::open(dir.path(), settings()).unwrap();
    assert_eq!(files(&index.search(&query_vector("", &[0.0, 0.0, 0.0, 1.0])).unwrap())[0], "stays");
    assert_eq!(index.stats().unwrap().embedded_chunks, 601);
}
