//! What goes by the name of `.doc`, and containers of the old Office.

use std::io::{Cursor, Write};

use cfb::CompoundFile;

use crate::{read, shown, why_invalid};

fn container(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut container = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (name, bytes) in streams {
        container.create_stream(name).unwrap().write_all(bytes).unwrap();
    }
    container.flush().unwrap();
    container.into_inner().into_inner()
}

/// A document of Word 97 whose text is in two pieces: one with a byte for a character, one with two.
fn word(flags: u16, short: &[u8], long: &str) -> Vec<u8> {
    let long: Vec<u8> = long.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (first, second) = (short.len() as u32, long.len() as u32 / 2);
    let mut main = vec![0; 2048];
    let mut set = |place: usize, bytes: &[u8]| main[place..place + bytes.len()].copy_from_slice(bytes);
    set(0, &0xa5ec_u16.to_le_bytes());
    set(0x0a, &(flags | 0x0200).to_le_bytes());
    set(0x4c, &(first + second).to_le_bytes());
    // The second piece stands before the first one.
    set(1024, &long);
    set(1536, short);
    let mut table = vec![1, 3, 0, 9, 9, 9, 2];
    table.extend((3 * 4 + 2 * 8_u32).to_le_bytes());
    for place in [0, first, first + second] {
        table.extend(place.to_le_bytes());
    }
    for place in [(1536 * 2) | 1 << 30, 1024_u32] {
        table.extend([0, 0]);
        table.extend(place.to_le_bytes());
        table.extend([0, 0]);
    }
    set(0x1a2, &0_u32.to_le_bytes());
    set(0x1a6, &(table.len() as u32).to_le_bytes());
    container(&[("WordDocument", &main), ("1Table", &table)])
}

#[tokio::test]
async fn a_document_of_word_97_is_read() {
    let document = read("a.doc", &word(0, b"Caf\xe9\rNext ", "日本\rA\u{7}B\u{7}\u{7}")).await.unwrap();
    assert_eq!(shown(&document), [(None, None, "Café\nNext 日本\nA | B")]);
}

#[tokio::test]
async fn an_encrypted_document_is_told_so() {
    let encrypted = "The document is encrypted. Upload it without a password.";
    assert_eq!(why_invalid("a.doc", &word(0x0100, b"x", "")).await, encrypted);
    let todays = container(&[("EncryptionInfo", b"x"), ("EncryptedPackage", b"x")]);
    for name in ["a.docx", "a.pptx", "a.doc"] {
        assert_eq!(why_invalid(name, &todays).await, encrypted, "{name}");
    }
}

#[tokio::test]
async fn other_documents_of_the_old_office_are_told_so() {
    let slides = container(&[("PowerPoint Document", b"x")]);
    for name in ["a.pptx", "a.doc", "a.docx"] {
        let sentence = why_invalid(name, &slides).await;
        assert!(sentence.ends_with("but it is a document of an old Office."), "{sentence}");
    }
    let older = container(&[("WordDocument", &[0xdc, 0xa5, 0, 0])]);
    assert!(why_invalid("a.doc", &older).await.contains("before 1997"));
}

#[tokio::test]
async fn a_document_with_wrong_places_is_damaged() {
    let whole = word(0, b"text", "more");
    for end in [100, 600, whole.len() / 2] {
        assert_eq!(why_invalid("a.doc", &whole[..end]).await, "The document is damaged or incomplete.");
    }
    let no_table = container(&[("WordDocument", &[0xec, 0xa5, 0, 0])]);
    assert_eq!(why_invalid("a.doc", &no_table).await, "The document is damaged or incomplete.");
}

#[tokio::test]
async fn rich_text_by_the_name_of_doc_is_read() {
    let document = read("a.doc", b"{\\rtf1\\ansi Some {\\b bold} text\\par}").await.unwrap();
    assert_eq!(shown(&document), [(None, None, "Some bold text")]);
}
