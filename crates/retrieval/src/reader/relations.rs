//! Which part of a document of Office belongs to which.

use std::io::{Read, Seek};

use super::{
    limits::Limits,
    package::Package,
    xml::{self, Node},
};
use crate::Unreadable;

/// What a part says about another one.
#[derive(Debug)]
struct Relation {
    id: String,
    /// The last word of its type, such as `slide`.
    kind: String,
    /// The name of the other part.
    target: String,
}

/// The relations of one part, in their order.
#[derive(Debug, Default)]
pub(super) struct Relations(Vec<Relation>);

impl Relations {
    /// Reads the relations of a part. Those of the whole document are the ones of the part "".
    pub(super) fn of<R: Read + Seek>(
        part: &str,
        package: &mut Package<R>,
        limits: &Limits,
    ) -> Result<Self, Unreadable> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let path = resolve(folder, &format!("_rels/{name}.rels"));
        let mut relations = Vec::new();
        let Some(text) = package.part(&path)? else { return Ok(Self::default()) };
        xml::walk(&text, limits, |node| {
            let Node::Start(element) = node else { return };
            let is_outside = element.attribute("TargetMode").is_some_and(|mode| mode == "External");
            if let (Some(id), Some(kind), Some(target), false) =
                (element.attribute("Id"), element.attribute("Type"), element.attribute("Target"), is_outside)
            {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.push(Relation { id, kind, target: resolve(folder, &target) });
            }
        })?;
        Ok(Self(relations))
    }

    /// The part that has this id here.
    pub(super) fn by_id(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|relation| relation.id == id).map(|relation| relation.target.as_str())
    }

    /// The first part of this kind.
    pub(super) fn by_kind(&self, kind: &str) -> Option<&str> {
        self.0.iter().find(|relation| relation.kind == kind).map(|relation| relation.target.as_str())
    }
}

/// The name of a part that is given as seen from a folder.
fn resolve(folder: &str, target: &str) -> String {
    let absolute = target.starts_with('/');
    let mut path: Vec<&str> = if absolute { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.retain(|step| !step.is_empty() && *step != ".");
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts_are_resolved() {
        assert_eq!(resolve("", "_rels/.rels"), "_rels/.rels");
        assert_eq!(resolve("", "word/document.xml"), "word/document.xml");
        assert_eq!(
            resolve("ppt/slides", "../notesSlides/notesSlide1.xml"),
            "ppt/notesSlides/notesSlide1.xml"
        );
        assert_eq!(resolve("ppt", "/ppt/slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(resolve("a", "../../../b"), "b");
    }
}
