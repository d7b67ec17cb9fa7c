//! A process that dies at any moment leaves what it had committed, and nothing by halves.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cupola_retrieval::{Embedded, Index};

use super::{chunks, file_ids, files, query, query_vector, settings};

/// The directory in which a child of these tests writes.
const DIR: &str = "INDEX_CRASH_DIR";
const ROUNDS: usize = 12;

/// What a child of the next test does: it replaces files and says after each commit what is there.
#[test]
fn a_child_writes_until_it_is_killed() {
    let Some(dir) = env::var_os(DIR) else { return };
    let index = Index::open(&dir, settings()).unwrap();
    let mut writer = index.writer().unwrap();
    let first = index.stats().unwrap().chunks as usize;
    for edition in first.. {
        write_edition(&mut writer, edition);
        writer.commit().unwrap();
        println!("committed {edition}");
        std::io::stdout().flush().unwrap();
    }
}

/// In each edition the file has one chunk more. Its texts pack badly, so that it is soon worth to write them anew.
fn write_edition(writer: &mut cupola_retrieval::Writer, edition: usize) {
    let texts: Vec<String> = (0..=edition).map(|number| text(edition, number)).collect();
    let vectors: Vec<Vec<f32>> = (0..=edition).map(|number| vec![1.0, number as f32]).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    writer.add("grows", &chunks(&texts), Some(Embedded { model: "test", vectors: &vectors })).unwrap();
    if edition.is_multiple_of(2) {
        writer.add("even", &chunks(&["there in even editions"]), None).unwrap();
    } else {
        writer.remove("even").unwrap();
    }
}

fn text(edition: usize, number: usize) -> String {
    let noise: String = (0..150)
        .map(|n: u64| format!("{:x} ", (n + number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    format!("edition{edition} number{number} {noise}")
}

/// Checks that one edition is there as a whole, and gives its number.
fn check(dir: &Path) -> Option<usize> {
    let index = Index::open(dir, settings()).unwrap();
    index.verify().unwrap();
    let edition = (index.passages("grows").unwrap()?.len()).checked_sub(1)?;
    let even = if edition.is_multiple_of(2) { vec!["even", "grows"] } else { vec!["grows"] };
    assert_eq!(file_ids(&index), even);
    let hits = index.search(&query(&format!("edition{edition}"))).unwrap();
    assert_eq!(hits.len(), (edition + 1).min(10));
    assert!(edition == 0 || index.search(&query(&format!("edition{}", edition - 1))).unwrap().is_empty());
    let hits = index.search(&query_vector("", &[1.0, 0.0])).unwrap();
    assert_eq!((files(&hits)[0], hits[0].chunk.ordinal), ("grows", 0));
    assert_eq!(index.stats().unwrap().embedded_chunks, edition as u64 + 1);
    Some(edition)
}

#[test]
fn a_killed_process_leaves_its_last_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = None;
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["crash::a_child_writes_until_it_is_killed", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = None;
        // A round more or less long, so that the end comes in the middle of different work.
        for _ in 0..=round % 3 {
            said = lines
                .by_ref()
                .find_map(|line| line.unwrap().strip_prefix("committed ")?.parse::<usize>().ok());
        }
        for _ in 0..round * 500_000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = check(dir.path());
        assert!(
            said.is_some() && found >= said && found > last,
            "{found:?} is there, {said:?} was committed"
        );
        last = found;
    }
}

#[test]
fn every_state_of_the_files_during_a_commit_gives_the_commit_before_or_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    write_edition(&mut writer, 0);
    writer.commit().unwrap();
    let before = copy(dir.path());
    write_edition(&mut writer, 1);
    writer.commit().unwrap();
    writer.finish().unwrap();
    assert_eq!(check(dir.path()), Some(1));

    // The new files and tails are there in part, in any order; the record of the commit comes last.
    let mut names = relative_files(dir.path());
    names.retain(|name| !name.ends_with("meta.json"));
    names.retain(|name| {
        fs::read(dir.path().join(name)).unwrap() != fs::read(before.path().join(name)).unwrap_or_default()
    });
    for count in 0..=names.len() {
        for cut in [false, true] {
            let mixed = copy(before.path());
            for name in names.iter().take(count) {
                let mut content = fs::read(dir.path().join(name)).unwrap();
                let known = fs::metadata(mixed.path().join(name)).map_or(0, |known| known.len() as usize);
                if cut && !name.ends_with(".json") && content.len() > known {
                    content.truncate(known + (content.len() - known) / 2);
                }
                fs::write(mixed.path().join(name), content).unwrap();
            }
            assert_eq!(check(mixed.path()), Some(0), "with {count} files of the next commit");
            let index = Index::open(mixed.path(), settings()).unwrap();
            let mut writer = index.writer().unwrap();
            write_edition(&mut writer, 2);
            writer.commit().unwrap();
            drop(writer);
            assert_eq!(check(mixed.path()), Some(2));
        }
    }
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in relative_files(from) {
        let target = to.path().join(&name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&name), target).unwrap();
    }
    to
}

/// The names of all files below a directory, sorted.
fn relative_files(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in dir.read_dir().unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            names.extend(relative_files(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}
