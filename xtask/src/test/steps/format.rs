//! The code is formatted as rustfmt would.

use anyhow::Result;

use super::tool;
use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// One check.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    tool::add_component(workspace, "fmt", "rustfmt")?;
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::SUCCESS)
}
