//! The report of a migration, for people or for programs.

use anstyle::Style;
use serde_json::{Map, Value, json};

use super::report::{Entry, Kind, Outcome, Report};
use crate::{
    failure::Failure,
    server::Server,
    terminal::{self, BOLD, DIM, GREEN, RED, YELLOW},
};

/// Where texts begin: behind the longest label.
const INDENT: usize = 22;
/// A text narrower than this is harder to read than one that the terminal wraps.
const NARROWEST: usize = 20;

const OUTCOMES: [Outcome; 5] =
    [Outcome::Copied, Outcome::CopiedWithLoss, Outcome::AlreadyCopied, Outcome::Skipped, Outcome::Failed];

/// Prints the report.
pub fn print(server: &Server, report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::print_json(&document(report));
    }
    if report.objects.is_empty() {
        anstream::eprintln!("There is nothing to copy: no classic agents and no threads.");
        return Ok(());
    }
    let shown: String = report.objects.iter().map(shown).collect();
    terminal::print(&shown)?;
    terminal::print(&format!("\n{}\n", totals(report)))?;
    if report.dry_run {
        let command = server.command("migrate classic-to-v2");
        anstream::eprintln!("{DIM}Nothing was written. To do it:{DIM:#} {BOLD}{command}{BOLD:#}");
    }
    Ok(())
}

/// The report with its totals.
fn document(report: &Report) -> Value {
    let totals: Map<String, Value> = OUTCOMES
        .into_iter()
        .map(|outcome| {
            let name = json!(outcome).as_str().unwrap_or_default().to_owned();
            (name, json!(report.count(outcome)))
        })
        .collect();
    json!({"dry_run": report.dry_run, "objects": report.objects, "totals": totals})
}

/// One object: what it is, what became of it, and what its copy does not have.
fn shown(entry: &Entry) -> String {
    let name = entry.name.as_deref().map(|name| terminal::clean(name).replace('\n', " "));
    let name = name.map(|name| format!("  {name}")).unwrap_or_default();
    let mut shown = format!("{BOLD}{}{BOLD:#}{name}\n", terminal::clean(&entry.from));
    let words = entry.outcome.words();
    shown.push_str(&line(style(entry.outcome), words, entry.why.as_deref().unwrap_or_else(|| target(entry))));
    for loss in entry.losses.iter() {
        let times = if loss.times > 1 { format!(" ({} times)", loss.times) } else { String::new() };
        shown.push_str(&line(YELLOW, "lost", &format!("{}{times}: {}", loss.what, loss.why)));
    }
    shown
}

/// Where the copy is. In a dry run a conversation has no id yet.
fn target(entry: &Entry) -> &str {
    match (&entry.to, entry.kind) {
        (Some(to), _) => to,
        (None, Kind::Thread) => "a new conversation",
        (None, Kind::Agent) => "a new agent",
    }
}

fn line(style: Style, label: &str, text: &str) -> String {
    let room = terminal::width().unwrap_or(usize::MAX).saturating_sub(INDENT).max(NARROWEST);
    let lines = terminal::wrap(&terminal::clean(text), room);
    let fill = " ".repeat(INDENT.saturating_sub(label.len() + 2));
    let indent = format!("\n{}", " ".repeat(INDENT));
    format!("  {style}{label}{style:#}{fill}{}\n", lines.join(&indent))
}

fn totals(report: &Report) -> String {
    let counted = OUTCOMES.into_iter().filter_map(|outcome| match report.count(outcome) {
        0 => None,
        count => Some(format!("{count} {}", outcome.words())),
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Copied => GREEN,
        Outcome::CopiedWithLoss => YELLOW,
        Outcome::AlreadyCopied => DIM,
        Outcome::Skipped | Outcome::Failed => RED,
    }
}
