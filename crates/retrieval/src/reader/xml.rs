//! XML as a stream of three simple events, with a limit to its depth.
//!
//! Names are without the prefixes of their namespaces: Office uses the same words for the same things in all
//! of them. Entities that a document defines are left out, so none can blow it up.

use std::borrow::Cow;

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

use super::{limits::Limits, package::damaged};
use crate::Unreadable;

/// What stands in an XML document.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// An element begins.
    Start(Element<'a>),
    /// The element of this name ends.
    End(&'a str),
    /// Text.
    Text(Cow<'a, str>),
}

/// The beginning of an element.
#[derive(Debug)]
pub(super) struct Element<'a>(&'a BytesStart<'a>);

impl<'a> Element<'a> {
    /// Its name.
    pub(super) fn name(&self) -> &'a str {
        self.0.name().local_name().into_inner()
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        self.find(|prefix, local| prefix.is_none() && local == name)
            .or_else(|| self.find(|_, local| local == name))
    }

    /// The id of the relation to another part: `r:id`, beside which there may be an `id`.
    pub(super) fn relation(&self) -> Option<String> {
        self.find(|prefix, local| prefix.is_some() && local == "id")
    }

    fn find(&self, is_it: impl Fn(Option<&str>, &str) -> bool) -> Option<String> {
        let found = self.0.attributes().flatten().find(|attribute| {
            let (local, prefix) = attribute.key.decompose();
            is_it(prefix.map(|prefix| prefix.into_inner()), local.into_inner())
        })?;
        Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
    }
}

/// Shows all that stands in a document.
pub(super) fn walk(text: &str, limits: &Limits, mut visit: impl FnMut(Node<'_>)) -> Result<(), Unreadable> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0;
    loop {
        match reader.read_event().map_err(|_| damaged())? {
            Event::Start(start) => {
                depth += 1;
                if depth > limits.depth {
                    return Err(too_deep(limits.depth));
                }
                visit(Node::Start(Element(&start)));
            }
            Event::Empty(element) => {
                visit(Node::Start(Element(&element)));
                visit(Node::End(element.name().local_name().into_inner()));
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visit(Node::End(end.name().local_name().into_inner()));
            }
            Event::Text(text) => visit(Node::Text(text.xml10_content())),
            Event::CData(text) => visit(Node::Text(text.xml10_content())),
            Event::GeneralRef(reference) => {
                if let Some(text) = resolve(&reference) {
                    visit(Node::Text(text));
                }
            }
            // A document that ends within an element has lost its end.
            Event::Eof if depth > 0 => return Err(damaged()),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn resolve<'a>(reference: &BytesRef<'_>) -> Option<Cow<'a, str>> {
    match reference.resolve_char_ref() {
        Ok(Some(letter)) => Some(letter.to_string().into()),
        _ => resolve_predefined_entity(reference).map(Cow::Borrowed),
    }
}

fn too_deep(most: usize) -> Unreadable {
    Unreadable::Invalid(format!("The document has more than {most} elements within each other."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, Unreadable> {
        let mut shown = String::new();
        walk(text, &Limits::default(), |node| match node {
            Node::Start(element) => {
                let id = element.relation().or_else(|| element.attribute("val")).unwrap_or_default();
                shown.push_str(&format!("<{}{id}>", element.name()));
            }
            Node::End(name) => shown.push_str(&format!("</{name}>")),
            Node::Text(text) => shown.push_str(&text),
        })?;
        Ok(shown)
    }

    #[test]
    fn elements_attributes_and_text_are_shown() {
        let text = "<?xml version=\"1.0\"?><w:p><w:s w:val=\"x&amp;y\"/>\
                    <s id=\"1\" r:id=\"2\">a &lt; b&#33;<![CDATA[<]]></s></w:p>";
        assert_eq!(shown(text).as_deref(), Ok("<p><sx&y></s><s2>a < b!<</s></p>"));
    }

    #[test]
    fn own_entities_are_left_out() {
        let text = "<!DOCTYPE x [<!ENTITY a \"aaa\"><!ENTITY b \"&a;&a;\">]><x>1&b;2</x>";
        assert_eq!(shown(text).as_deref(), Ok("<x>12</x>"));
    }

    #[test]
    fn a_depth_without_end_is_refused() {
        let error = shown(&"<a>".repeat(100_000));
        assert!(error.is_err_and(|error| error.to_string().contains("more than 1000 elements")));
    }

    #[test]
    fn what_ends_early_is_damaged() {
        for text in ["<a><b></b>", "<a><b", "<a></b>"] {
            assert_eq!(shown(text), Err(damaged()), "{text}");
        }
    }
}
