//! `cargo xtask test`: every test there is, step by step, with a count at the end.
//! A step that fails does not keep the later ones from running, unless they need what it makes.

mod junit;
mod outcome;
mod step;
mod steps;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use self::outcome::Outcome;
use self::step::{Step, Suite};
use crate::workspace::Workspace;

/// What `cargo xtask test` can be told.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these suites; repeat it for several.
    #[arg(long, value_enum)]
    only: Vec<Suite>,
    /// Also check the dependencies for known vulnerabilities; downloads the advisory database.
    #[arg(long)]
    advisories: bool,
}

impl Args {
    /// Whether anything of this suite is to run.
    pub fn wants(&self, suite: Suite) -> bool {
        self.only.is_empty() || self.only.contains(&suite)
    }
}

/// Runs the steps that `args` ask for. The last line printed is the count.
pub fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let chosen = steps::all().iter().filter(|step| step.suites.iter().any(|suite| args.wants(*suite)));
    let mut finished: Vec<(&Step, Outcome)> = Vec::new();
    for step in chosen {
        let outcome = perform(step, workspace, args, &finished);
        finished.push((step, outcome));
    }

    println!("\n== summary");
    let mut total = Outcome::NONE;
    for (step, outcome) in &finished {
        println!("{:<36} {outcome}", step.name);
        total += *outcome;
    }
    println!("\n{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn perform(step: &Step, workspace: &Workspace, args: &Args, finished: &[(&Step, Outcome)]) -> Outcome {
    println!("\n== {}", step.name);
    let failed = |name: &str| finished.iter().any(|(done, outcome)| done.name == name && outcome.failed > 0);
    if let Some(missing) = step.needs.iter().find(|name| failed(name)) {
        println!("-- {}: not run, because it needs «{missing}»", step.name);
        return Outcome::FAILURE;
    }
    let started = Instant::now();
    let outcome = (step.run)(workspace, args).unwrap_or_else(|error| {
        println!("error: {error:#}");
        Outcome::FAILURE
    });
    println!("-- {}: {outcome} in {:.1} s", step.name, started.elapsed().as_secs_f64());
    outcome
}
