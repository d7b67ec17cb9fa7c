//! Text, source code, Markdown and web pages.

use cupola_retrieval::Unreadable;

use crate::{documents::pdf, read, shown, why_invalid};

#[tokio::test]
async fn texts_of_all_kinds_stay_as_they_are() {
    for name in ["a.txt", "a.c", "a.py", "a.json", "a.tex", "a.css", "a.TS", "a.doc"] {
        let text = "{\"key\": [1, 2]} % \\section{x} <b>\n";
        assert_eq!(read(name, text.as_bytes()).await.unwrap().sections[0].text, text, "{name}");
    }
}

#[tokio::test]
async fn headings_of_markdown_and_web_pages_are_places() {
    let document = read("a.md", b"# One\ntext\n# Two\nmore").await.unwrap();
    assert_eq!(shown(&document), [(Some("One"), None, "# One\ntext"), (Some("Two"), None, "# Two\nmore")]);
    let page = b"<!doctype html><title>x</title><h1>One</h1><p>text</p><h2>Two</h2>more<script>no()</script>";
    let expected = [(Some("One"), None, "One\n\ntext"), (Some("Two"), None, "Two\n\nmore")];
    assert_eq!(shown(&read("a.html", page).await.unwrap()), expected);
    assert_eq!(shown(&read("a.doc", page).await.unwrap()), expected);
}

#[tokio::test]
async fn wrong_bytes_in_a_text_are_replaced() {
    let text =
        [b"A text with a wrong byte: ", &b"\xff"[..], b" and so on, in UTF-8: \xc3\xa4\xc3\xb6"].concat();
    assert!(read("a.txt", &text).await.unwrap().sections[0].text.starts_with("A text with a wrong byte: "));
}

#[tokio::test]
async fn what_is_no_text_is_told_so() {
    for (name, bytes, sentence) in [
        ("a.txt", &b""[..], "The file is empty."),
        ("a.txt", b" \n\t", "The file has no text."),
        ("a.html", b"<script>only()</script>", "The file has no text."),
        ("a.py", &pdf(&["x"]), "The file is named like a text, but it is a PDF document."),
        ("a.md", b"\x1f\x8b\x08\0", "The file is named like a Markdown text, but it is a gzip archive."),
        ("a.json", b"\0\x01\x02\x03", "The file is named like a text, but its bytes are not text."),
    ] {
        assert_eq!(why_invalid(name, bytes).await, sentence);
    }
}

#[tokio::test]
async fn a_kind_that_is_not_supported_is_refused() {
    let refused = read("table.csv", b"a,b\n1,2\n").await.unwrap_err();
    assert!(
        matches!(&refused, Unreadable::Unsupported(sentence) if sentence.contains("[.csv]")),
        "{refused}"
    );
}
