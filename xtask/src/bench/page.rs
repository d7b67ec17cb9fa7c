//! The numbers in `docs/performance.md`, between two marks. The words around them are written by hand.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::figure::{Report, Section};
use super::table::{amount, others, target, verdict};

const BEGIN: &str = "<!-- measured: written by `cargo xtask bench --write-docs` -->";
const END: &str = "<!-- end of measured -->";

/// Replaces what stands between the marks.
pub fn update(page: &Path, report: &Report) -> Result<()> {
    let old = fs::read_to_string(page).with_context(|| format!("{} cannot be read", page.display()))?;
    let new = replaced(&old, &render(report))
        .with_context(|| format!("{} lacks the lines\n{BEGIN}\n{END}", page.display()))?;
    fs::write(page, new).with_context(|| format!("{} cannot be written", page.display()))
}

fn replaced(page: &str, measured: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{measured}{END}{after}"))
}

fn render(report: &Report) -> String {
    let mut text = String::new();
    if report.quick {
        text.push_str("\nA quick run: fewer repetitions, less steady numbers.\n");
    }
    text.push('\n');
    for (name, value) in &report.machine {
        // Writing to a String can't fail.
        let _ = writeln!(text, "- {name}: {value}");
    }
    report.sections.iter().for_each(|section| text.push_str(&table(section)));
    text.push('\n');
    text
}

fn table(section: &Section) -> String {
    let mut text = format!("\n### {}\n\n", section.title);
    if section.others.is_some() {
        let _ = writeln!(text, "{}\n", others(section).trim());
    }
    if let Some(note) = &section.note {
        let _ = writeln!(text, "{note}\n");
    }
    if section.figures.is_empty() {
        return text;
    }
    text.push_str("| to target | to baseline | what | measured | target | baseline |\n");
    text.push_str("|---:|---:|---|---:|---:|---|\n");
    for figure in &section.figures {
        let ratio = figure.to_baseline().map_or(String::new(), |ratio| format!("{ratio:.2}×"));
        let measured = amount(figure.value, figure.unit);
        let baseline = figure
            .baseline
            .as_ref()
            .map(|baseline| format!("{}: {}", baseline.name, amount(baseline.value, figure.unit)));
        let _ = writeln!(
            text,
            "| {} | {ratio} | {} | {measured} | {} | {} |",
            verdict(figure),
            figure.name,
            target(figure),
            baseline.unwrap_or_default()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nMethod.\n");
        let new = replaced(&page, "new\n").unwrap();
        assert_eq!(new, format!("# Title\n\n{BEGIN}\nnew\n{END}\n\nMethod.\n"));
        assert_eq!(replaced("no marks", "new"), None);
    }

    #[test]
    fn a_section_without_numbers_says_why() {
        let note = Some("Not measured: no sandboxes here".to_owned());
        let section = Section { title: "Hosted agents", figures: Vec::new(), others: None, note };
        assert_eq!(table(&section), "\n### Hosted agents\n\nNot measured: no sandboxes here\n\n");
    }
}
