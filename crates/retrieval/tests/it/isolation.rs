//! Each document is read by a process that can do nothing else.

use std::time::Duration;

use cupola_retrieval::{Limits, Reader, Unreadable};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    documents::{docx, paragraph, pdf, pptx, shape},
    file, read, read_with,
};

#[tokio::test]
async fn a_document_that_takes_too_long_is_given_up() {
    // The parser of HTML takes quadratic time for elements in elements.
    let deep = "<div>".repeat(100_000);
    let limits = Limits { time: Duration::from_secs(1), depth: usize::MAX, ..Limits::default() };
    let refused = read_with(limits, "a.html", deep.as_bytes()).await.unwrap_err();
    assert_eq!(refused, Unreadable::Failed("Reading the file took longer than 1 seconds.".into()));
}

#[tokio::test]
async fn many_documents_are_read_at_once() {
    let reader = Reader::default();
    let reads = (0..40).map(|number| {
        let (reader, bytes) = (reader.clone(), docx(&paragraph(&format!("text {number}"))));
        tokio::spawn(async move { reader.read("a.docx", file(&bytes)).await.unwrap() })
    });
    for (number, read) in reads.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(read.await.unwrap().sections[0].text.trim(), format!("text {number}"));
    }
}

#[tokio::test]
async fn a_file_is_read_from_its_beginning_wherever_it_stands() {
    use std::io::{Seek, SeekFrom};
    for (name, bytes) in [("a.txt", b"some text".to_vec()), ("a.docx", docx(&paragraph("some text")))] {
        let mut file = file(&bytes);
        file.seek(SeekFrom::End(0)).unwrap();
        let document = Reader::default().read(name, file).await.unwrap();
        assert_eq!(document.sections[0].text.trim(), "some text", "{name}");
    }
}

/// Reads documents with some bytes changed. Whatever comes of it, it is an outcome with a sentence.
fn spoil(name: &str, whole: Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    let length = whole.len();
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(changes, 0..length, any::<bool>()), |(changes, end, cut)| {
        let mut bytes = whole.clone();
        for (index, byte) in changes {
            let place = index.index(length);
            bytes[place] = byte;
        }
        if cut {
            bytes.truncate(end);
        }
        let limits = Limits { time: Duration::from_secs(20), ..Limits::default() };
        match runtime.block_on(read_with(limits, name, &bytes)) {
            Ok(document) => prop_assert!(!document.sections.is_empty()),
            Err(error) => {
                let sentence = error.to_string();
                prop_assert!(sentence.ends_with('.') && !sentence.contains("longer than"), "{}", sentence);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn spoiled_word_documents_end_in_a_sentence() {
    spoil("a.docx", docx(&paragraph("text")));
}

#[test]
fn spoiled_presentations_end_in_a_sentence() {
    spoil("a.pptx", pptx(&[(&shape("title", &["x"]), None)]));
}

#[test]
fn spoiled_pdfs_end_in_a_sentence() {
    spoil("a.pdf", pdf(&["First page", "Second page"]));
}

#[test]
fn spoiled_web_pages_end_in_a_sentence() {
    spoil(
        "a.html",
        b"<!doctype html><h1 id=x>One</h1><table><tr><td>a<td>b</table><p>text &amp; more".to_vec(),
    );
}

#[test]
fn noise_of_any_name_ends_in_a_sentence() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let starts = prop::sample::select(vec![
        &b""[..],
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ]);
    let noise = (starts, proptest::collection::vec(any::<u8>(), 0..600));
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&noise, |(start, noise)| {
        for name in ["a.txt", "a.md", "a.html", "a.pdf", "a.docx", "a.pptx", "a.doc"] {
            let bytes = [start, &noise[..]].concat();
            if let Err(error) = runtime.block_on(read(name, &bytes)) {
                prop_assert!(error.to_string().ends_with('.'), "{name}: {error}");
            }
        }
        Ok(())
    });
    outcome.unwrap();
}
