//! Documents of Word: paragraphs with their headings, rows of tables, notes.

use std::{
    collections::HashMap,
    io::{Read, Seek},
};

use super::{
    flow::{Flow, Paragraph},
    limits::Limits,
    package::Package,
    relations::Relations,
    sections::Sections,
    xml::{self, Node},
};
use crate::{Document, Place, Unreadable};

/// Reads a document, of which this is the main part.
pub(super) fn read<R: Read + Seek>(
    main: &str,
    package: &mut Package<R>,
    limits: &Limits,
) -> Result<Document, Unreadable> {
    let relations = Relations::of(main, package, limits)?;
    let styles = match relations.by_kind("styles") {
        Some(part) => Styles::read(&package.part(part)?.unwrap_or_default(), limits)?,
        None => Styles::default(),
    };
    let mut sections = Sections::default();
    let text = package.needed_part(main)?;
    paragraphs(&text, limits, |paragraph| {
        if styles.is_heading(&paragraph) {
            sections.begin(Place { page: None, heading: Some(paragraph.text.trim().to_owned()) });
        }
        sections.push_line(paragraph.text.trim_end());
    })?;
    for (kind, heading) in [("footnotes", "Footnotes"), ("endnotes", "Endnotes")] {
        let Some(text) = relations.by_kind(kind).map(|part| package.part(part)).transpose()?.flatten() else {
            continue;
        };
        sections.begin(Place { page: None, heading: Some(heading.into()) });
        paragraphs(&text, limits, |paragraph| sections.push_line(paragraph.text.trim()))?;
    }
    Ok(sections.end())
}

fn paragraphs(text: &str, limits: &Limits, mut each: impl FnMut(Paragraph)) -> Result<(), Unreadable> {
    let mut flow = Flow::default();
    xml::walk(text, limits, |node| {
        if let Some(paragraph) = flow.take(&node) {
            each(paragraph);
        }
    })
}

/// Outlines have nine levels of headings. The tenth is what is no heading.
const BODY: u8 = 9;
/// Styles that are based on each other, at most.
const LONGEST_LINE: usize = 10;

#[derive(Debug, Default)]
struct Style {
    name: String,
    outline: Option<u8>,
    based_on: Option<String>,
}

/// The styles of a document by their ids.
#[derive(Debug, Default)]
struct Styles(HashMap<String, Style>);

impl Styles {
    fn read(text: &str, limits: &Limits) -> Result<Self, Unreadable> {
        let mut styles: HashMap<String, Style> = HashMap::new();
        let mut current = String::new();
        xml::walk(text, limits, |node| {
            let Node::Start(element) = node else { return };
            if element.name() == "style" {
                current = element.attribute("styleId").unwrap_or_default();
            }
            let value = || element.attribute("val");
            match element.name() {
                "name" => styles.entry(current.clone()).or_default().name = value().unwrap_or_default(),
                "basedOn" => styles.entry(current.clone()).or_default().based_on = value(),
                "outlineLvl" => {
                    let level = value().and_then(|level| level.parse().ok());
                    styles.entry(current.clone()).or_default().outline = level;
                }
                _ => {}
            }
        })?;
        Ok(Self(styles))
    }

    fn is_heading(&self, paragraph: &Paragraph) -> bool {
        if let Some(level) = paragraph.outline {
            return level < BODY;
        }
        let mut id = paragraph.style.as_deref();
        for _ in 0..LONGEST_LINE {
            let Some(known) = id else { return false };
            let Some(style) = self.0.get(known) else { return names_heading(known) };
            if let Some(level) = style.outline {
                return level < BODY;
            }
            if names_heading(&style.name) {
                return true;
            }
            id = style.based_on.as_deref();
        }
        false
    }
}

/// Word's own styles have English names in every language.
fn names_heading(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "title" || name.strip_prefix("heading").is_some_and(|rest| rest.trim().parse::<u8>().is_ok())
}
