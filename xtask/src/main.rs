//! The project's chores, run by `cargo xtask CHORE`.
//! Each chore has its own module; `test` runs every test there is.

mod bench;
mod process;
mod server;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, tests and measures Cupola.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test there is and end with a line that counts them.
    Test(test::Args),
    /// Measure the real binary against a model that answers at once.
    Bench(bench::Args),
    /// Be the agent that the benchmark hosts.
    #[command(hide = true)]
    HostedAgent,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run(cli.chore).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(chore: Chore) -> Result<ExitCode> {
    match chore {
        Chore::Test(args) => test::run(&Workspace::locate()?, &args),
        Chore::Bench(args) => bench::run(&Workspace::locate()?, &args),
        // In its sandbox there is no workspace.
        Chore::HostedAgent => bench::serve_as_agent(),
    }
}
