//! Documents are read, in processes of their own where that is called for.
#![allow(clippy::unwrap_used, missing_docs)]

mod bombs;
mod doc;
mod documents;
mod isolation;
mod office;
mod pdf;
mod texts;

use std::{
    fs::File,
    io::{Seek, Write},
};

use cupola_retrieval::{Document, Limits, Reader, Unreadable};

/// A document is read by this same program, started again. The test harness has its own `main`, so this comes
/// before it.
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions of this type, which the C runtime calls one by one.
#[cfg(target_os = "linux")]
#[unsafe(link_section = ".init_array")]
#[used]
static READ: extern "C" fn() = {
    extern "C" fn read() {
        cupola_retrieval::read_if_asked();
    }
    read
};

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

async fn read(name: &str, bytes: &[u8]) -> Result<Document, Unreadable> {
    Reader::default().read(name, file(bytes)).await
}

async fn read_with(limits: Limits, name: &str, bytes: &[u8]) -> Result<Document, Unreadable> {
    Reader::new(limits).read(name, file(bytes)).await
}

/// The sentence of a file that is broken, or not what it should be.
async fn why_invalid(name: &str, bytes: &[u8]) -> String {
    match read(name, bytes).await {
        Err(Unreadable::Invalid(sentence)) => sentence,
        other => panic!("{name}: {other:?}"),
    }
}

/// Heading, page and text of each section.
fn shown(document: &Document) -> Vec<(Option<&str>, Option<u32>, &str)> {
    document
        .sections
        .iter()
        .map(|section| (section.place.heading.as_deref(), section.place.page, section.text.trim()))
        .collect()
}
