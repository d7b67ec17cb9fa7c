//! Damage is reported, so that the owner makes the index again.

use std::fs;
use std::path::{Path, PathBuf};

use cupola_retrieval::{Embedded, Index, IndexError};

use super::{chunks, settings};

fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), settings()).unwrap();
    let mut writer = index.writer().unwrap();
    for number in 0..3 {
        let embedded = Some(Embedded { model: "test", vectors: &[vec![1.0, 2.0]] });
        let text = format!("some words of file {number}");
        writer.add(&format!("file-{number}"), &chunks(&[&text]), embedded).unwrap();
    }
    writer.commit().unwrap();
    writer.finish().unwrap();
    dir
}

/// All files of the index that hold data.
fn data_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in dir.read_dir().unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            files.extend(data_files(&entry.path()));
        } else if !name.starts_with('.') {
            files.push(entry.path());
        }
    }
    files
}

fn is_reported(dir: &Path) -> bool {
    let checked = Index::open(dir, settings()).and_then(|index| index.verify());
    checked.is_err_and(|error| error.is_damage())
}

#[test]
fn an_index_that_is_whole_is_not_reported() {
    let dir = written();
    assert!(!is_reported(dir.path()));
    assert!(data_files(dir.path()).len() > 8);
}

#[test]
fn a_file_that_is_cut_is_reported() {
    let dir = written();
    for file in data_files(dir.path()) {
        let content = fs::read(&file).unwrap();
        fs::write(&file, &content[..content.len() - 2]).unwrap();
        assert!(is_reported(dir.path()), "{} was cut", file.display());
        fs::write(&file, &content).unwrap();
    }
    assert!(!is_reported(dir.path()));
}

#[test]
fn a_file_that_is_missing_is_reported() {
    let dir = written();
    for file in data_files(dir.path()) {
        let content = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(is_reported(dir.path()), "{} was removed", file.display());
        fs::write(&file, &content).unwrap();
    }
    assert!(!is_reported(dir.path()));
}

#[test]
fn a_changed_byte_in_a_journal_or_passage_is_reported() {
    let dir = written();
    for name in ["catalog-0.log", "passages-0.log"] {
        let file = dir.path().join(name);
        let content = fs::read(&file).unwrap();
        for at in [0, content.len() / 2, content.len() - 1] {
            let mut changed = content.clone();
            changed[at] ^= 0x20;
            fs::write(&file, &changed).unwrap();
            assert!(is_reported(dir.path()), "byte {at} of {name} was changed");
        }
        fs::write(&file, &content).unwrap();
    }
}

#[test]
fn an_index_of_another_format_is_reported() {
    let dir = written();
    let meta = dir.path().join("words/meta.json");
    let content = fs::read_to_string(&meta).unwrap();
    fs::write(&meta, content.replace(r#"\"format\":1"#, r#"\"format\":99"#)).unwrap();
    let error = Index::open(dir.path(), settings()).unwrap_err();
    assert!(matches!(&error, IndexError::Damaged { what, .. } if what.contains("format 99")), "{error}");
}
