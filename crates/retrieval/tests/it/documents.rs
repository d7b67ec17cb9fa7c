//! Makes documents of Office and PDFs, with what the tests are about and nothing else.

use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

/// An archive with these parts.
pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The relations of a part: their ids, kinds and targets.
pub fn relations(relations: &[(&str, &str, &str)]) -> String {
    let lines: String = relations
        .iter()
        .map(|(id, kind, target)| {
            format!(
                "<Relationship Id=\"{id}\" Target=\"{target}\" \
                 Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\"/>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{lines}\
         </Relationships>"
    )
}

const WORD: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";
const SLIDES: &str = "xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\" \
                      xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
                      xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";

/// A document of Word with this body, these styles and these footnotes.
pub fn docx_with(body: &str, styles: &str, footnotes: &str) -> Vec<u8> {
    let part =
        |root: &str, content: &str| format!("<?xml version=\"1.0\"?><w:{root} {WORD}>{content}</w:{root}>");
    archive(&[
        ("_rels/.rels", relations(&[("rId1", "officeDocument", "word/document.xml")]).as_bytes()),
        (
            "word/_rels/document.xml.rels",
            relations(&[("rId1", "styles", "styles.xml"), ("rId2", "footnotes", "/word/footnotes.xml")])
                .as_bytes(),
        ),
        ("word/document.xml", part("document", &format!("<w:body>{body}</w:body>")).as_bytes()),
        ("word/styles.xml", part("styles", styles).as_bytes()),
        ("word/footnotes.xml", part("footnotes", footnotes).as_bytes()),
    ])
}

/// A document of Word with this body.
pub fn docx(body: &str) -> Vec<u8> {
    docx_with(body, "", "")
}

/// A paragraph of Word.
pub fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A presentation: the shapes and the notes of each slide. The parts are numbered backwards.
pub fn pptx(slides: &[(&str, Option<&str>)]) -> Vec<u8> {
    let part =
        |root: &str, content: &str| format!("<?xml version=\"1.0\"?><p:{root} {SLIDES}>{content}</p:{root}>");
    let tree = |shapes: &str| format!("<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>");
    let name = |index: usize| format!("slide{}.xml", slides.len() - index);
    let ids: String = (0..slides.len())
        .map(|index| format!("<p:sldId id=\"{}\" r:id=\"rId{index}\"/>", 256 + index))
        .collect();
    let targets: Vec<(String, String)> =
        (0..slides.len()).map(|index| (format!("rId{index}"), format!("slides/{}", name(index)))).collect();
    let targets: Vec<(&str, &str, &str)> =
        targets.iter().map(|(id, target)| (id.as_str(), "slide", target.as_str())).collect();
    let mut parts = vec![
        ("_rels/.rels".to_owned(), relations(&[("rId1", "officeDocument", "ppt/presentation.xml")])),
        ("ppt/presentation.xml".to_owned(), part("presentation", &format!("<p:sldIdLst>{ids}</p:sldIdLst>"))),
        ("ppt/_rels/presentation.xml.rels".to_owned(), relations(&targets)),
    ];
    for (index, (shapes, notes)) in slides.iter().enumerate() {
        let name = name(index);
        parts.push((format!("ppt/slides/{name}"), part("sld", &tree(shapes))));
        if let Some(notes) = notes {
            parts.push((format!("ppt/notesSlides/{name}"), part("notes", &tree(notes))));
            let to_notes = relations(&[("rId1", "notesSlide", &format!("../notesSlides/{name}"))]);
            parts.push((format!("ppt/slides/_rels/{name}.rels"), to_notes));
        }
    }
    let parts: Vec<(&str, &[u8])> =
        parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    archive(&parts)
}

/// A shape of a slide: what it fills, and its lines.
pub fn shape(placeholder: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("<a:p><a:r><a:t>{line}</a:t></a:r></a:p>")).collect();
    format!(
        "<p:sp><p:nvSpPr><p:nvPr><p:ph type=\"{placeholder}\"/></p:nvPr></p:nvSpPr>\
         <p:txBody>{lines}</p:txBody></p:sp>"
    )
}

/// A PDF whose pages have these content streams.
pub fn pdf_of_streams(streams: &[&[u8]], filter: &str) -> Vec<u8> {
    let kids: String = (0..streams.len()).map(|index| format!("{} 0 R ", 4 + 2 * index)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", streams.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (index, stream) in streams.iter().enumerate() {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
                 /Resources << /Font << /F1 3 0 R >> >> >>",
                5 + 2 * index
            )
            .into_bytes(),
        );
        let mut object = format!("<< /Length {} {filter} >>\nstream\n", stream.len()).into_bytes();
        object.extend_from_slice(stream);
        object.extend_from_slice(b"\nendstream");
        objects.push(object);
    }
    with_cross_references(&objects)
}

fn with_cross_references(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(pdf.len());
        writeln!(pdf, "{} 0 obj", index + 1).unwrap();
        pdf.extend_from_slice(object);
        pdf.extend_from_slice(b"\nendobj\n");
    }
    let start = pdf.len();
    write!(pdf, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(pdf, "{place:010} 00000 n ").unwrap();
    }
    write!(pdf, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1)
        .unwrap();
    pdf
}

/// A PDF with one line of text on each page.
pub fn pdf(pages: &[&str]) -> Vec<u8> {
    let streams: Vec<String> =
        pages.iter().map(|text| format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET")).collect();
    let streams: Vec<&[u8]> = streams.iter().map(|stream| stream.as_bytes()).collect();
    pdf_of_streams(&streams, "")
}
