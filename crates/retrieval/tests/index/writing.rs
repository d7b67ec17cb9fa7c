//! Adding, replacing and removing files.

use cupola_retrieval::{Index, IndexError};

use super::{add_texts, chunks, file_ids, files, query, settings};

#[test]
fn what_was_committed_is_found_and_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(&index, &[("a", "the quick brown fox"), ("b", "a lazy dog")]);
    for index in [index.clone(), Index::open(dir.path(), settings()).unwrap()] {
        assert_eq!(files(&index.search(&query("fox")).unwrap()), ["a"]);
        assert_eq!(file_ids(&index), ["a", "b"]);
        index.verify().unwrap();
    }
}

#[test]
fn nothing_is_seen_before_the_commit_and_nothing_stays_of_a_dropped_writer() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(&index, &[("a", "kept words")]);
    let mut writer = index.writer().unwrap();
    writer.add("b", &chunks(&["fleeting words"]), None).unwrap();
    writer.remove("a").unwrap();
    assert_eq!(files(&index.search(&query("words")).unwrap()), ["a"]);
    drop(writer);
    add_texts(&index, &[("c", "later words")]);
    assert_eq!(file_ids(&index), ["a", "c"]);
    assert!(index.search(&query("fleeting")).unwrap().is_empty());
}

#[test]
fn a_file_that_is_added_again_has_only_its_new_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    writer.add("a", &chunks(&["old one", "old two"]), None).unwrap();
    writer.commit().unwrap();
    writer.add("a", &chunks(&["new"]), None).unwrap();
    writer.add("b", &chunks(&["first"]), None).unwrap();
    writer.add("b", &chunks(&["second"]), None).unwrap();
    writer.commit().unwrap();
    assert!(index.search(&query("old first")).unwrap().is_empty());
    assert_eq!(index.passages("a").unwrap().unwrap(), chunks(&["new"]));
    assert_eq!(index.passages("b").unwrap().unwrap(), chunks(&["second"]));
    assert_eq!(index.stats().unwrap().chunks, 2);
}

#[test]
fn a_removed_file_is_gone_and_removing_it_again_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    add_texts(&index, &[("a", "one"), ("b", "one")]);
    let mut writer = index.writer().unwrap();
    assert!(writer.remove("a").unwrap());
    assert!(!writer.remove("a").unwrap());
    writer.commit().unwrap();
    assert_eq!(files(&index.search(&query("one")).unwrap()), ["b"]);
    assert!(index.passages("a").unwrap().is_none());
}

#[test]
fn passages_come_back_in_order_with_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let texts: Vec<String> = (0..37).map(|number| format!("passage \"{number}\" \u{1f980}")).collect();
    let written = chunks(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut writer = index.writer().unwrap();
    writer.add("a", &written, None).unwrap();
    writer.commit().unwrap();
    assert_eq!(index.passages("a").unwrap().unwrap(), written);
    let hits = index.search(&query("36")).unwrap();
    assert_eq!(hits[0].chunk, written[36]);
}

#[test]
fn a_file_without_chunks_is_there_and_never_found() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    writer.add("empty", &[], None).unwrap();
    writer.commit().unwrap();
    assert_eq!(index.passages("empty").unwrap().unwrap(), []);
    assert_eq!(index.stats().unwrap().files, 1);
}

#[test]
fn there_is_one_writer_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let writer = index.writer().unwrap();
    assert!(matches!(index.writer(), Err(IndexError::Busy(_))));
    writer.finish().unwrap();
    index.writer().unwrap();
}

#[test]
fn a_writer_that_was_finished_leaves_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    for number in 0..20 {
        writer.add(&format!("file-{number}"), &chunks(&["shared words"]), None).unwrap();
        writer.commit().unwrap();
    }
    writer.add("uncommitted", &chunks(&["shared words"]), None).unwrap();
    writer.finish().unwrap();
    assert_eq!(index.search(&query("shared")).unwrap().len(), 10);
    assert_eq!(index.stats().unwrap().files, 20);
    index.verify().unwrap();
}

#[test]
fn what_was_replaced_again_and_again_does_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    // Text that doesn't pack well, so that the garbage soon is worth the work.
    let text: String =
        (0..6_000_u64).map(|n| format!("{:x} ", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let mut writer = index.writer().unwrap();
    writer.add("stays", &chunks(&["untouched"]), None).unwrap();
    for _ in 0..12 {
        writer.add("a", &chunks(&[&text]), None).unwrap();
        writer.commit().unwrap();
    }
    writer.finish().unwrap();
    let passages: u64 = dir
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("passages-"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert!(passages < 4 * text.len() as u64, "{passages} bytes of passages");
    let index = Index::open(dir.path(), settings()).unwrap();
    assert_eq!(index.passages("a").unwrap().unwrap()[0].text, text);
    assert_eq!(files(&index.search(&query("untouched")).unwrap()), ["stays"]);
}
