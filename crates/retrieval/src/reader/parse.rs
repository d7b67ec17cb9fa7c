//! Reads a document of a known kind, in this process.

use std::io::{self, BufReader, Read, Seek};

use super::{
    doc, encoding, html,
    kind::{FIRST_BYTES, Kind, Looks, misnamed},
    limits::Limits,
    markdown, office, pdf, rtf,
};
use crate::{Document, Place, Section, Unreadable};

/// Reads a file that is named like this kind.
pub(super) fn parse<R: Read + Seek>(
    kind: Kind,
    mut file: R,
    limits: &Limits,
) -> Result<Document, Unreadable> {
    let first = first_bytes(&mut file).map_err(cannot_read)?;
    let document = match (kind, Looks::of(&first)) {
        (_, Looks::Empty) => return Err(Unreadable::Invalid("The file is empty.".into())),
        (Kind::Pdf, Looks::Pdf) => pdf::read(&whole(file, limits)?, limits)?,
        (Kind::Docx | Kind::Pptx | Kind::Doc, Looks::Zip) => {
            office::read(kind, BufReader::new(file), limits)?
        }
        (Kind::Docx | Kind::Pptx | Kind::Doc, Looks::Ole) => doc::read(kind, BufReader::new(file), limits)?,
        (Kind::Doc, Looks::Rtf) => rtf::read(&whole(file, limits)?)?,
        (Kind::Html | Kind::Doc, Looks::Html) | (Kind::Html, Looks::Plain) => {
            html::read(&encoding::decode(&whole(file, limits)?)?)?
        }
        (Kind::Markdown, Looks::Plain | Looks::Html) => markdown::read(&text(file, limits)?),
        (Kind::Text, Looks::Plain | Looks::Html) | (Kind::Doc, Looks::Plain) => plain(text(file, limits)?),
        (kind, looks) => return Err(misnamed(kind, looks)),
    };
    limits.check_text(document.sections.iter().map(|section| section.text.len()).sum())?;
    if document.sections.iter().all(|section| section.text.trim().is_empty()) {
        return Err(Unreadable::Invalid("The file has no text.".into()));
    }
    Ok(document)
}

/// The disk fails, not the document.
pub(super) fn cannot_read(error: io::Error) -> Unreadable {
    Unreadable::Failed(format!("The service could not read its copy of the file: {error}."))
}

fn first_bytes(file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    file.rewind()?;
    file.by_ref().take(FIRST_BYTES as u64).read_to_end(&mut first)?;
    file.rewind()?;
    Ok(first)
}

fn whole(file: impl Read, limits: &Limits) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    file.take(limits.file + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
    limits.check_file(bytes.len() as u64)?;
    Ok(bytes)
}

/// A file that is all text has at most two bytes for each byte of it, so not more has to be read.
fn text(file: impl Read, limits: &Limits) -> Result<String, Unreadable> {
    let mut bytes = Vec::new();
    file.take(limits.text.saturating_mul(2) + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
    limits.check_text(bytes.len().div_ceil(2))?;
    Ok(encoding::decode(&bytes)?.into_owned())
}

fn plain(text: String) -> Document {
    Document { sections: vec![Section { text, place: Place::default() }] }
}
