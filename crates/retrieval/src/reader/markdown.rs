//! Markdown stays as it is, and its headings say where a text stands.

use super::sections::Sections;
use crate::{Document, Place};

/// Reads a text in Markdown.
pub(super) fn read(text: &str) -> Document {
    let mut sections = Sections::default();
    let mut fence = front_matter(text);
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let content = line.trim();
        match fence {
            // The line that opened it is the first to come here.
            Some(_) if sections.is_empty() => {}
            Some(open) if content.strip_prefix(open).is_some_and(|rest| is_all(rest, &open[..1])) => {
                fence = None
            }
            Some(_) => {}
            None => {
                fence = opening_fence(line);
                let underline = lines.peek().copied().unwrap_or_default();
                if let Some(heading) = heading(line).or_else(|| underlined(content, underline)) {
                    sections.begin(Place { page: None, heading: Some(plain(heading)) });
                }
            }
        }
        sections.push(line);
    }
    sections.end()
}

/// Settings between two lines of `---` at the very beginning.
fn front_matter(text: &str) -> Option<&'static str> {
    text.strip_prefix("---\n").filter(|rest| rest.contains("\n---\n")).map(|_| "---")
}

fn is_indented(line: &str) -> bool {
    line.starts_with("    ") || line.starts_with('\t')
}

fn opening_fence(line: &str) -> Option<&str> {
    let content = line.trim();
    let mark = content.chars().next().filter(|mark| ['`', '~'].contains(mark))?;
    let length = content.len() - content.trim_start_matches(mark).len();
    // Three backticks with more of them later in the line are code within a line.
    let is_inline = mark == '`' && content[length..].contains('`');
    (length >= 3 && !is_indented(line) && !is_inline).then(|| &content[..length])
}

/// `## Heading ##`
fn heading(line: &str) -> Option<&str> {
    let content = line.trim();
    let rest = content.trim_start_matches('#');
    let level = content.len() - rest.len();
    let is_one = (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    let text = rest.trim().trim_end_matches('#').trim();
    (is_one && !is_indented(line) && !text.is_empty()).then_some(text)
}

/// A line with a line of `===` or `---` below it.
fn underlined<'a>(content: &'a str, below: &str) -> Option<&'a str> {
    let below = below.trim_end();
    let is_line = !below.is_empty() && ["=", "-"].iter().any(|mark| is_all(below, mark));
    // What begins like this is a list, a quotation, a table or a rule.
    let is_other =
        content.starts_with(['-', '*', '+', '>', '|', '#', '`', '~', '=']) || content.starts_with("<!--");
    (is_line && !content.is_empty() && !is_other).then_some(content)
}

fn is_all(text: &str, mark: &str) -> bool {
    text.trim_start_matches(mark).is_empty()
}

/// Without the marks of emphasis.
fn plain(heading: &str) -> String {
    heading.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(text: &str) -> Vec<(Option<String>, String)> {
        let sections = read(text).sections.into_iter();
        sections.map(|section| (section.place.heading, section.text)).collect()
    }

    #[test]
    fn headings_begin_sections_and_stay_in_the_text() {
        let text = "before\n\n# One #\ntext\n\n## **Two** `x`\nmore\n\nThree\n=====\nend";
        let expected: Vec<(Option<String>, String)> = [
            (None, "before\n\n"),
            (Some("One"), "# One #\ntext\n\n"),
            (Some("Two x"), "## **Two** `x`\nmore\n\n"),
            (Some("Three"), "Three\n=====\nend"),
        ]
        .map(|(heading, text)| (heading.map(str::to_owned), text.to_owned()))
        .into();
        assert_eq!(headings(text), expected);
    }

    #[test]
    fn code_has_no_headings() {
        let text = "# A\n```sh\n# comment\n```\n    # indented\n~~~~\n~~~\n# still code\n~~~~\n\
                    #hashtag\n```x``` #\n# B\n";
        let found: Vec<_> = headings(text).into_iter().map(|(heading, _)| heading).collect();
        assert_eq!(found, [Some("A".to_owned()), Some("B".to_owned())]);
    }

    #[test]
    fn a_rule_or_front_matter_is_no_heading() {
        for text in ["---\ntitle: x\n---\n\ntext\n\n---\n- item\n---\n", "---\n\n| a |\n---\n"] {
            assert_eq!(headings(text), [(None, text.to_owned())]);
        }
    }
}
