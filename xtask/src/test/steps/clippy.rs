//! Clippy has nothing to say; a warning is an error.

use anyhow::Result;

use super::tool;
use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// One check.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    tool::add_component(workspace, "clippy", "clippy")?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    process::run(workspace.cargo().args(clippy))?;
    Ok(Outcome::SUCCESS)
}
