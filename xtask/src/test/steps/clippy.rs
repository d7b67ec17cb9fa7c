//! Clippy has nothing to say; a warning is an error.

use anyhow::Result;

use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// One check.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    process::run(workspace.cargo().args(clippy))?;
    Ok(Outcome::SUCCESS)
}
