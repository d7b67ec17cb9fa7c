//! Documents of Office since 2007: archives with parts in XML.

use std::io::{Read, Seek};

use super::{
    docx,
    kind::{Kind, Looks, misnamed},
    limits::Limits,
    package::Package,
    pptx,
    relations::Relations,
};
use crate::{Document, Unreadable};

/// Reads an archive that should be a document of this kind.
pub(super) fn read<R: Read + Seek>(kind: Kind, file: R, limits: &Limits) -> Result<Document, Unreadable> {
    let mut package = Package::open(file, limits)?;
    let main = Relations::of("", &mut package, limits)?.by_kind("officeDocument").map(str::to_owned);
    let Some(main) = main else { return Err(misnamed(kind, Looks::Zip)) };
    match (kind, main.split('/').next()) {
        (Kind::Pptx, Some("ppt")) => pptx::read(&main, &mut package, limits),
        (Kind::Docx | Kind::Doc, Some("word")) => docx::read(&main, &mut package, limits),
        (kind, Some("ppt")) => Err(misnamed(kind, Looks::Other(Kind::Pptx.noun()))),
        (kind, Some("word")) => Err(misnamed(kind, Looks::Other(Kind::Docx.noun()))),
        (kind, Some("xl")) => Err(misnamed(kind, Looks::Other("an Excel workbook"))),
        (kind, _) => Err(misnamed(kind, Looks::Zip)),
    }
}
