//! `cargo xtask bench`: measures the real binary against a model that answers at once.
//! Every number stands beside its target and beside a baseline of the same run. Nothing here fails for
//! being slow.

mod agent;
mod baseline;
mod client;
mod code;
mod cpu;
mod crowd;
mod figure;
mod flow;
mod hosted;
mod knowledge;
mod machine;
mod measure;
mod page;
mod plan;
mod response;
mod samples;
mod service;
mod stub;
mod table;

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

pub use self::agent::serve as serve_as_agent;
use self::figure::{Report, Section};
use self::plan::Plan;
use crate::process;
use crate::workspace::Workspace;

/// What `cargo xtask bench` can be told.
#[derive(clap::Args)]
pub struct Args {
    /// Fewer repetitions: minutes become seconds, and the numbers less steady.
    #[arg(long)]
    quick: bool,
    /// Also write the numbers to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure this binary instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Measure one part alone.
    #[arg(long, value_enum, conflicts_with = "write_docs")]
    only: Option<measure::Part>,
    #[command(flatten)]
    knowledge: knowledge::Options,
    /// Put the numbers into docs/performance.md.
    #[arg(long)]
    write_docs: bool,
}

/// Builds, measures and reports.
pub fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    if cfg!(debug_assertions) {
        return Err(again_optimised(workspace));
    }
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => {
            build(workspace, "cupola")?;
            workspace.target.join("release").join("cupola")
        }
    };
    let scratch = workspace.target.join("xtask");
    fs::create_dir_all(&scratch).with_context(|| format!("{} cannot be created", scratch.display()))?;
    let _ = rustls::crypto::ring::default_provider().install_default();

    let plan = if args.quick { Plan::QUICK } else { Plan::FULL };
    let mut machine = machine::describe(&binary, &scratch)?;
    if args.binary.is_none() {
        // What somebody else built may come from another commit.
        machine.extend(machine::commit(workspace).map(|commit| ("commit", commit)));
    }
    let mut sections: Vec<Section> = Vec::new();
    let subject = measure::Measured {
        workspace,
        binary: &binary,
        scratch: &scratch,
        plan: &plan,
        only: args.only,
        knowledge: &args.knowledge,
    };
    measure::all(&subject, |section| {
        table::print(&section);
        sections.push(section);
    })?;
    let report = Report { quick: args.quick, machine, sections };
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&report).context("the report is no JSON")?;
        fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if args.write_docs {
        page::update(&workspace.root.join("docs/performance.md"), &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The load comes from this program, so it has to be as quick as what it measures: it builds itself with
/// optimisation and becomes that. Returns only if it could not.
fn again_optimised(workspace: &Workspace) -> anyhow::Error {
    if let Err(error) = build(workspace, "xtask") {
        return error;
    }
    let optimised = workspace.target.join("release").join("xtask");
    let error = Command::new(&optimised).args(env::args_os().skip(1)).exec();
    anyhow::Error::new(error).context(format!("{} cannot be started", optimised.display()))
}

fn build(workspace: &Workspace, package: &str) -> Result<()> {
    process::run(workspace.cargo().args(["build", "--release", "--package", package]))
}
