//! Presentations of PowerPoint: slides in their order, with their titles and notes.

use std::io::{Read, Seek};

use super::{
    flow::Flow,
    limits::Limits,
    package::Package,
    relations::Relations,
    sections::Sections,
    xml::{self, Node},
};
use crate::{Document, Place, Unreadable};

/// Reads a presentation, of which this is the main part.
pub(super) fn read<R: Read + Seek>(
    main: &str,
    package: &mut Package<R>,
    limits: &Limits,
) -> Result<Document, Unreadable> {
    let relations = Relations::of(main, package, limits)?;
    let mut sections = Sections::default();
    for (index, id) in slide_ids(&package.needed_part(main)?, limits)?.iter().enumerate() {
        let Some(part) = relations.by_id(id) else { continue };
        let slide = Shapes::read(&package.needed_part(part)?, limits)?;
        let notes = match Relations::of(part, package, limits)?.by_kind("notesSlide") {
            Some(part) => Shapes::read(&package.part(part)?.unwrap_or_default(), limits)?,
            None => Shapes::default(),
        };
        let page = u32::try_from(index + 1).ok();
        sections.begin(Place { page, heading: slide.title });
        slide.lines.iter().for_each(|line| sections.push_line(line));
        if !notes.lines.is_empty() {
            sections.push_line("\nNotes:");
            notes.lines.iter().for_each(|line| sections.push_line(line));
        }
    }
    Ok(sections.end())
}

fn slide_ids(text: &str, limits: &Limits) -> Result<Vec<String>, Unreadable> {
    let mut ids = Vec::new();
    xml::walk(text, limits, |node| {
        if let Node::Start(element) = node
            && element.name() == "sldId"
        {
            ids.extend(element.relation());
        }
    })?;
    Ok(ids)
}

/// What the shapes of a slide say.
#[derive(Debug, Default)]
struct Shapes {
    title: Option<String>,
    lines: Vec<String>,
}

impl Shapes {
    fn read(text: &str, limits: &Limits) -> Result<Self, Unreadable> {
        let mut shapes = Self::default();
        let mut flow = Flow::default();
        if text.is_empty() {
            return Ok(shapes);
        }
        xml::walk(text, limits, |node| {
            let Some(paragraph) = flow.take(&node) else { return };
            let line = paragraph.text.trim().to_owned();
            match paragraph.placeholder.as_deref() {
                // The same on every slide: its number, the date, header and footer.
                Some("sldNum" | "dt" | "hdr" | "ftr") => return,
                Some("title" | "ctrTitle") if shapes.title.is_none() => {
                    shapes.title = Some(line.replace('\n', " "));
                }
                _ => {}
            }
            shapes.lines.push(line);
        })?;
        Ok(shapes)
    }
}
