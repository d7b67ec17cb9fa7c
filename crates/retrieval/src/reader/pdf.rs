//! PDF: the text of each page.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document as Pdf, PlainTextOutput, output_doc_page};

use super::{
    limits::Limits,
    package::{damaged, encrypted},
    sections::Sections,
};
use crate::{Document, Place, Unreadable};

/// Reads a PDF.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Document, Unreadable> {
    let mut pdf = guarded(|| Pdf::load_mem(bytes).ok()).ok_or_else(damaged)?;
    if pdf.is_encrypted() {
        // Many are encrypted with no password at all, so that readers can forbid printing.
        guarded(|| pdf.decrypt("").ok()).ok_or_else(encrypted)?;
    }
    let pages = guarded(|| Some(pdf.get_pages())).filter(|pages| !pages.is_empty()).ok_or_else(damaged)?;
    let mut sections = Sections::default();
    let mut failed = 0;
    for page in pages.keys() {
        match guarded(|| page_text(&pdf, *page)) {
            Some(text) => {
                sections.begin(Place { page: Some(*page), heading: None });
                sections.push(text.trim());
            }
            None => failed += 1,
        }
        limits.check_text(sections.bytes())?;
    }
    let document = sections.end();
    match (document.sections.is_empty(), failed) {
        (false, _) => Ok(document),
        (true, 0) => Err(only_pictures()),
        (true, _) => Err(damaged()),
    }
}

fn page_text(pdf: &Pdf, page: u32) -> Option<String> {
    let mut text = String::new();
    output_doc_page(pdf, &mut PlainTextOutput::new(&mut text), page).ok()?;
    Some(text)
}

/// The library panics where a document is not as it should be. That concerns a page, not the document.
fn guarded<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

fn only_pictures() -> Unreadable {
    Unreadable::Invalid(
        "The PDF has no text, only pictures at most. If it was scanned, run text recognition (OCR) on it and \
         upload the result."
            .into(),
    )
}
