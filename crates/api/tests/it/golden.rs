//! Golden files: whole streams, byte for byte but for ids and times.

use std::{fs, path::PathBuf};

use crate::redaction::redacted;

/// Compares with `golden/NAME.sse`. With `UPDATE_GOLDEN=1` it is written instead.
#[track_caller]
pub fn assert_golden(name: &str, stream: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/golden/{name}.sse"));
    let seen = redacted(stream);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, seen).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    if golden != seen {
        let differs = golden.lines().zip(seen.lines()).position(|(golden, seen)| golden != seen);
        let line = differs.unwrap_or_else(|| golden.lines().count().min(seen.lines().count())) + 1;
        panic!(
            "the stream differs from {} at line {line}; after reading the difference, \
             UPDATE_GOLDEN=1 accepts it.\nwhat came:\n{seen}",
            path.display()
        );
    }
}

/// The names of the events of a stream, in order.
pub fn names(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
}
