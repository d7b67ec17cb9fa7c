//! Documents of Word and PowerPoint.

use crate::{
    documents::{archive, docx, docx_with, paragraph, pptx, relations, shape},
    read, shown, why_invalid,
};

fn styled(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[tokio::test]
async fn headings_of_a_word_document_are_places() {
    let styles = [
        "<w:style w:styleId=\"berschrift1\"><w:name w:val=\"heading 1\"/></w:style>",
        "<w:style w:styleId=\"Own\"><w:name w:val=\"Own\"/><w:basedOn w:val=\"berschrift1\"/></w:style>",
        "<w:style w:styleId=\"Out\"><w:pPr><w:outlineLvl w:val=\"2\"/></w:pPr></w:style>",
        "<w:style w:styleId=\"Body\"><w:name w:val=\"Body\"/></w:style>",
    ]
    .concat();
    let body = [
        paragraph("Before"),
        styled("berschrift1", "One"),
        styled("Body", "first &amp; foremost"),
        styled("Own", "Two"),
        paragraph("second"),
        styled("Out", "Three"),
    ]
    .concat();
    let document = read("a.docx", &docx_with(&body, &styles, &paragraph("A note"))).await.unwrap();
    assert_eq!(
        shown(&document),
        [
            (None, None, "Before"),
            (Some("One"), None, "One\nfirst & foremost"),
            (Some("Two"), None, "Two\nsecond"),
            (Some("Three"), None, "Three"),
            (Some("Footnotes"), None, "A note"),
        ]
    );
}

#[tokio::test]
async fn rows_of_a_table_are_lines_and_tables_may_stand_in_cells() {
    let cell = |content: &str| format!("<w:tc>{content}</w:tc>");
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let inner = format!("<w:tbl>{}</w:tbl>", row(&[cell(&paragraph("x")), cell(&paragraph("y"))]));
    let body = format!(
        "<w:tbl>{}{}</w:tbl>{}",
        row(&[cell(&paragraph("Name")), cell(&(paragraph("Age") + &paragraph("in years")))]),
        row(&[cell(&paragraph("Ada")), cell(&inner)]),
        paragraph("after")
    );
    let document = read("a.docx", &docx(&body)).await.unwrap();
    assert_eq!(shown(&document), [(None, None, "Name | Age in years\nAda | x | y\nafter")]);
}

#[tokio::test]
async fn what_was_deleted_or_stands_twice_is_not_read() {
    let body = "<w:p><w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr>\
                <w:r><w:t xml:space=\"preserve\">one </w:t><w:tab/><w:t>two</w:t><w:br/>\
                <w:t>three</w:t></w:r>\
                <w:del><w:r><w:delText>gone</w:delText></w:r></w:del>\
                <w:r><w:instrText>PAGE</w:instrText></w:r></w:p>\
                <w:p><w:r><mc:AlternateContent xmlns:mc=\"m\">\
                <mc:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></mc:Choice>\
                <mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>\
                </w:r><w:r><w:t>around</w:t></w:r></w:p>";
    let document = read("a.docx", &docx(body)).await.unwrap();
    assert_eq!(shown(&document), [(None, None, "one \ttwo\nthree\nbox\naround")]);
}

#[tokio::test]
async fn slides_are_pages_with_titles_and_notes_in_the_order_of_the_show() {
    let first = shape("ctrTitle", &["Welcome"]) + &shape("body", &["a", "b"]) + &shape("sldNum", &["1"]);
    let table = "<a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>k</a:t></a:r></a:p></a:txBody></a:tc>\
                 <a:tc><a:txBody><a:p><a:fld><a:t>v</a:t></a:fld></a:p></a:txBody></a:tc></a:tr></a:tbl>";
    let notes = shape("body", &["Say hello"]) + &shape("sldNum", &["2"]);
    let bytes = pptx(&[(&first, None), (table, Some(&notes)), ("", None)]);
    let document = read("talk.PPTX", &bytes).await.unwrap();
    assert_eq!(
        shown(&document),
        [(Some("Welcome"), Some(1), "Welcome\na\nb"), (None, Some(2), "k | v\n\nNotes:\nSay hello"),]
    );
}

#[tokio::test]
async fn a_document_by_the_name_of_another_kind_is_told_so() {
    let word = docx(&paragraph("text"));
    let slides = pptx(&[(&shape("body", &["x"]), None)]);
    let table =
        archive(&[("_rels/.rels", relations(&[("1", "officeDocument", "xl/workbook.xml")]).as_bytes())]);
    let other = archive(&[("readme", b"text")]);
    for (name, bytes, looks) in [
        ("a.pptx", &word, "it is a Word document."),
        ("a.docx", &slides, "it is a PowerPoint presentation."),
        ("a.docx", &table, "it is an Excel workbook."),
        ("a.docx", &other, "it is a ZIP archive."),
        ("a.txt", &word, "it is a ZIP archive."),
        ("a.pdf", &word, "it is a ZIP archive."),
    ] {
        let sentence = why_invalid(name, bytes).await;
        assert!(sentence.starts_with("The file is named like a") && sentence.ends_with(looks), "{sentence}");
    }
}

#[tokio::test]
async fn a_docx_by_the_name_of_doc_is_read() {
    let document = read("a.doc", &docx(&paragraph("text"))).await.unwrap();
    assert_eq!(shown(&document), [(None, None, "text")]);
}

#[tokio::test]
async fn a_document_that_ends_early_is_damaged() {
    let whole = docx(&paragraph(&"text ".repeat(2000)));
    let incomplete = "The document is damaged or incomplete.";
    assert_eq!(why_invalid("a.docx", &whole[..whole.len() / 2]).await, incomplete);
    let cut = docx_with("<w:p><w:r><w:t>te", "", "");
    assert_eq!(why_invalid("a.docx", &cut).await, incomplete);
    let no_main =
        archive(&[("_rels/.rels", relations(&[("1", "officeDocument", "word/document.xml")]).as_bytes())]);
    assert_eq!(why_invalid("a.docx", &no_main).await, incomplete);
}

#[tokio::test]
async fn a_document_without_text_is_told_so() {
    assert_eq!(why_invalid("a.docx", &docx("<w:p/>")).await, "The file has no text.");
    assert_eq!(why_invalid("a.docx", b"").await, "The file is empty.");
}
