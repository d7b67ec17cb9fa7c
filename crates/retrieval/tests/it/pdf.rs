//! PDFs.

use pdf_extract::{Document as Pdf, EncryptionState, EncryptionVersion, Object, Permissions};

use crate::{
    documents::{pdf, pdf_of_streams},
    read, shown, why_invalid,
};

fn encrypted(password: &str) -> Vec<u8> {
    let mut document = Pdf::load_mem(&pdf(&["Secret"])).unwrap();
    let id = Object::string_literal("an id of the file");
    document.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn each_page_is_a_place() {
    let document = read("a.pdf", &pdf(&["First page", "Second page"])).await.unwrap();
    assert_eq!(shown(&document), [(None, Some(1), "First page"), (None, Some(2), "Second page")]);
}

#[tokio::test]
async fn a_page_that_is_broken_leaves_the_others_readable() {
    let streams: [&[u8]; 2] = [b"BT /None 12 Tf (lost) Tj ET", b"BT /F1 12 Tf 72 720 Td (kept) Tj ET"];
    let document = read("a.pdf", &pdf_of_streams(&streams, "")).await.unwrap();
    assert_eq!(shown(&document), [(None, Some(2), "kept")]);
}

#[tokio::test]
async fn an_encrypted_pdf_is_read_only_without_a_password() {
    assert!(why_invalid("a.pdf", &encrypted("secret")).await.contains("encrypted"));
    let document = read("a.pdf", &encrypted("")).await.unwrap();
    assert_eq!(shown(&document), [(None, Some(1), "Secret")]);
}

#[tokio::test]
async fn a_pdf_of_pictures_says_that_it_has_no_text() {
    let picture = b"q 100 0 0 100 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q";
    let sentence = why_invalid("scan.pdf", &pdf_of_streams(&[picture], "")).await;
    assert!(sentence.starts_with("The PDF has no text, only pictures"), "{sentence}");
}

#[tokio::test]
async fn a_pdf_that_ends_early_is_damaged() {
    let whole = pdf(&["First page", "Second page"]);
    assert_eq!(
        why_invalid("a.pdf", &whole[..whole.len() / 3]).await,
        "The document is damaged or incomplete."
    );
}

#[tokio::test]
async fn what_is_no_pdf_is_told_so() {
    let sentence = why_invalid("a.pdf", b"\x89PNG\r\n\x1a\n and so on").await;
    assert_eq!(sentence, "The file is named like a PDF document, but it is a PNG picture.");
    assert_eq!(why_invalid("a.pdf", b"").await, "The file is empty.");
}
