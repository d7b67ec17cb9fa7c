//! The code is formatted as rustfmt would.

use anyhow::Result;

use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// One check.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::SUCCESS)
}
