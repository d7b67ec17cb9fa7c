//! Documents that are small as a file and large otherwise.

use std::io::Write;

use cupola_retrieval::Limits;
use flate2::{Compression, write::ZlibEncoder};

use crate::{
    documents::{docx, paragraph, pdf_of_streams},
    read, read_with, why_invalid,
};

#[tokio::test]
async fn a_part_that_expands_without_end_is_not_expanded() {
    let bomb = docx(&paragraph(&" ".repeat(64 << 20)));
    assert!(bomb.len() < 1 << 20);
    assert_eq!(
        why_invalid("a.docx", &bomb).await,
        "A part of the document expands to more than 500 times its size."
    );
}

#[tokio::test]
async fn all_parts_together_have_a_limit() {
    let document = docx(&paragraph(&"word ".repeat(1000)));
    let refused =
        read_with(Limits { expanded: 2048, ..Limits::default() }, "a.docx", &document).await.unwrap_err();
    assert_eq!(refused.to_string(), "The document expands to more than 2048 bytes.");
}

#[tokio::test]
async fn parts_have_a_limit_to_their_number() {
    let refused =
        read_with(Limits { entries: 4, ..Limits::default() }, "a.docx", &docx("")).await.unwrap_err();
    assert_eq!(refused.to_string(), "The archive that the document is has more than 4 parts.");
}

#[tokio::test]
async fn elements_without_end_are_refused() {
    let deep = docx(&"<w:p>".repeat(100_000));
    assert_eq!(
        why_invalid("a.docx", &deep).await,
        "The document has more than 1000 elements within each other."
    );
}

#[tokio::test]
async fn a_web_page_of_ten_thousand_levels_does_no_harm() {
    let page = format!("{}deep", "<span>".repeat(10_000));
    assert_eq!(read("a.html", page.as_bytes()).await.unwrap().sections[0].text.trim(), "deep");
}

#[tokio::test]
async fn a_file_or_a_text_that_is_too_large_is_refused() {
    let limits = Limits { file: 1000, text: 100, ..Limits::default() };
    let refused = |bytes: usize| async move {
        read_with(limits, "a.txt", &vec![b'x'; bytes]).await.unwrap_err().to_string()
    };
    assert_eq!(refused(1001).await, "The file has more than 1000 bytes.");
    assert_eq!(refused(1000).await, "The text of the file has more than 100 bytes.");
    assert_eq!(refused(101).await, "The text of the file has more than 100 bytes.");
    assert!(read_with(limits, "a.txt", &[b'x'; 100]).await.is_ok());
}

#[tokio::test]
async fn a_pdf_that_takes_too_much_memory_fails_alone() {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..600 {
        packed.write_all(&zeros).unwrap();
    }
    let bomb = pdf_of_streams(&[&packed.finish().unwrap()], "/Filter /FlateDecode");
    let limits = Limits { memory: 512 << 20, ..Limits::default() };
    let refused = read_with(limits, "a.pdf", &bomb).await.unwrap_err();
    assert_eq!(refused.code(), "server_error");
    assert_eq!(refused.to_string(), "Reading the file took more than 512 MB of memory.");
}
