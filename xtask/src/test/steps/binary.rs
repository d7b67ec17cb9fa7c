//! The binary that the SDK suites start, built once.

use anyhow::Result;

use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// Only prepares, so it has nothing to count.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    process::run(workspace.cargo().args(["build", "--package", "cupola", "--bin", "cupola", "--locked"]))?;
    Ok(Outcome::NONE)
}
