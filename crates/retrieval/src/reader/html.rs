//! Web pages: what a reader sees of them, with their headings.

use html2text::{
    config,
    render::{TaggedLine, TextDecorator},
};

use super::{package::damaged, sections::Sections};
use crate::{Document, Place, Unreadable};

/// Marks a heading. Pages have no such character: it is taken out before.
const HEADING: char = '\u{1}';
/// Lines are as long as their paragraphs: whoever shows them breaks them.
const WIDTH: usize = 100_000;
/// What is left of a gap within a line.
const GAP: &str = "  ";

/// Reads a web page.
pub(super) fn read(page: &str) -> Result<Document, Unreadable> {
    let page = page.replace(HEADING, "");
    let text = config::with_decorator(Plain)
        .no_table_borders()
        .allow_width_overflow()
        .string_from_read(page.as_bytes(), WIDTH)
        .map_err(|_| damaged())?;
    let mut sections = Sections::default();
    let mut was_blank = true;
    for line in text.lines() {
        let content = line.trim();
        match content.strip_prefix(HEADING).map(str::trim) {
            Some(heading) => {
                sections.begin(Place { page: None, heading: Some(heading.to_owned()) });
                sections.push_line(heading);
            }
            None if content.is_empty() && was_blank => {}
            None => {
                sections.push(&line[..line.len() - line.trim_start().len()]);
                sections.push_line(&without_gaps(content));
            }
        }
        was_blank = content.is_empty();
    }
    Ok(sections.end())
}

/// Cells of a table are filled with blanks, to the length of the longest one in their column.
fn without_gaps(line: &str) -> String {
    let mut parts = line.split("   ").map(str::trim).filter(|part| !part.is_empty());
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(GAP);
        text.push_str(part);
    }
    text
}

/// Text without the marks by which plain text imitates print.
#[derive(Clone, Debug)]
struct Plain;

/// No mark before a text, and none after it.
const NOTHING: (String, ()) = (String::new(), ());

impl TextDecorator for Plain {
    type Annotation = ();

    fn decorate_link_start(&mut self, _url: &str) -> (String, ()) {
        NOTHING
    }

    fn decorate_link_end(&mut self) -> String {
        String::new()
    }

    fn decorate_em_start(&self) -> (String, ()) {
        NOTHING
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        NOTHING
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        NOTHING
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        NOTHING
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn header_prefix(&self, _level: usize) -> String {
        HEADING.into()
    }

    fn quote_prefix(&self) -> String {
        String::new()
    }

    fn unordered_item_prefix(&self) -> String {
        "- ".into()
    }

    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{number}. ")
    }

    fn decorate_superscript_start(&self) -> (String, ()) {
        NOTHING
    }

    fn decorate_superscript_end(&self) -> String {
        String::new()
    }

    fn make_subblock_decorator(&self) -> Self {
        Self
    }

    fn finalise(&mut self, _urls: Vec<String>) -> Vec<TaggedLine<()>> {
        Vec::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sections(page: &str) -> Vec<(Option<String>, String)> {
        let sections = read(page).unwrap().sections.into_iter();
        sections.map(|section| (section.place.heading, section.text)).collect()
    }

    #[test]
    fn what_is_seen_is_read_with_its_headings() {
        let page = "<html><head><title>T</title><style>p { x: y }</style>\
                    <script>var hidden = 1;</script></head>\
                    <body><p>Before &amp; <b>bold</b></p><h1>One</h1>\
                    <p>First<br>line with <a href='/x'>a link</a>.</p>\
                    <h2>Two <em>x</em></h2><ul><li>a</li><li>b</li></ul>\
                    <pre>code\n  more</pre>\
                    <noscript>no script</noscript></body></html>";
        let found = sections(page);
        let headings: Vec<_> = found.iter().map(|(heading, _)| heading.as_deref()).collect();
        assert_eq!(headings, [None, Some("One"), Some("Two x")]);
        assert_eq!(found[0].1.trim(), "Before & bold");
        assert_eq!(found[1].1.trim(), "One\n\nFirst\nline with a link.");
        assert!(found[2].1.contains("- a\n- b\n") && found[2].1.contains("code\n  more"), "{found:?}");
        assert!(
            found.iter().all(|(_, text)| !text.contains("hidden") && !text.contains("x: y")),
            "{found:?}"
        );
    }

    #[test]
    fn rows_of_tables_are_lines_without_long_gaps() {
        let row = |cells: [&str; 2]| format!("<tr><td>{}</td><td>{}</td></tr>", cells[0], cells[1]);
        let long = "A name that is long";
        let page =
            format!("<table>{}{}{}</table>", row(["Name", "Age"]), row(["Ada", "36"]), row([long, "1"]));
        assert_eq!(sections(&page)[0].1.trim(), "Name  Age\nAda  36\nA name that is long 1");
    }

    #[test]
    fn elements_may_be_within_each_other_without_end() {
        for tag in ["div", "b", "table><tr><td", "ul><li", "blockquote"] {
            let page = format!("{}deep", format!("<{tag}>").repeat(500));
            assert!(sections(&page)[0].1.contains("deep"), "{tag}");
        }
    }
}
