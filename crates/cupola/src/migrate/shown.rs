//! The report of a migration, for people or for programs.

use anstyle::Style;
use serde_json::{Map, Value, json};

use super::report::{Entry, Kind, Outcome, Report};
use crate::{
    failure::Failure,
    server::Server,
    table::{Cell, Table, shrinking, whole},
    terminal::{self, BOLD, DIM, GREEN, RED, YELLOW},
};

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
    terminal::print(&table(report).render(terminal::width()))?;
    terminal::print(&remarks(report))?;
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

fn table(report: &Report) -> Table {
    let mut table = Table::new([whole("FROM"), shrinking("NAME"), whole("TO"), whole("RESULT")]);
    for entry in &report.objects {
        table.push([
            entry.from.as_str().into(),
            entry.name.as_deref().unwrap_or("-").into(),
            target(entry).into(),
            Cell::styled(entry.outcome.words(), style(entry.outcome)),
        ]);
    }
    table
}

/// Where the copy is. In a dry run a conversation has no id yet.
fn target(entry: &Entry) -> &str {
    match (&entry.to, entry.kind) {
        (Some(to), _) => to,
        (None, Kind::Thread) if entry.outcome.has_copy() => "a new conversation",
        (None, _) => "-",
    }
}

/// What the copies do not have, and why there is none.
fn remarks(report: &Report) -> String {
    let mut remarks = String::new();
    for entry in &report.objects {
        if entry.why.is_none() && entry.losses.is_empty() {
            continue;
        }
        remarks.push_str(&format!("\n{BOLD}{}{BOLD:#}\n", terminal::clean(&entry.from)));
        if let Some(why) = &entry.why {
            remarks.push_str(&line(RED, entry.outcome.words(), why));
        }
        for loss in entry.losses.iter() {
            let times = if loss.times > 1 { format!(" ({} times)", loss.times) } else { String::new() };
            remarks.push_str(&line(YELLOW, "lost", &format!("{}{times}: {}", loss.what, loss.why)));
        }
    }
    remarks
}

fn line(style: Style, label: &str, text: &str) -> String {
    let indent = label.len() + 4;
    let room = terminal::width().unwrap_or(usize::MAX).saturating_sub(indent).max(20);
    let lines = terminal::wrap(&terminal::clean(text), room);
    format!("  {style}{label}{style:#}  {}\n", lines.join(&format!("\n{}", " ".repeat(indent))))
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
