//! The examples in the documentation of the crates; nextest does not run them.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::process::command_line;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// Counts from the lines that sum up each crate, since there is no report to read.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    let mut doctests = workspace.cargo();
    doctests.args(["test", "--doc", "--workspace", "--locked", "--no-fail-fast"]);
    let line = command_line(&doctests);
    println!("$ {line}");
    let mut process = doctests.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = process.stdout.take().context("the tests' output is lost")?;
    let mut outcome = Outcome::NONE;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        if let Some(summed) = summary(&line) {
            outcome += summed;
        }
    }
    let status = process.wait()?;
    if !status.success() && outcome.failed == 0 {
        bail!("{line}: {status}");
    }
    Ok(outcome)
}

/// Reads `test result: ok. 3 passed; 0 failed; …`.
fn summary(line: &str) -> Option<Outcome> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        let part = counts.split("; ").find_map(|part| part.strip_suffix(what))?;
        part.trim_end().parse().ok()
    };
    Some(Outcome { passed: number("passed")?, failed: number("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_line_is_counted() {
        let line = "test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out";
        assert_eq!(summary(line), Some(Outcome { passed: 2, failed: 1 }));
    }

    #[test]
    fn any_other_line_is_not() {
        assert_eq!(summary("test crates/wire/src/lib.rs - example (line 3) ... ok"), None);
    }
}
