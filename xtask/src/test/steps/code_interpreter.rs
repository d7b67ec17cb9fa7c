//! The Python environment in which agents of the suites run code, made once, outside of the checkout.

use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// Only prepares, so it has nothing to count.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    let mut setup = Command::new(workspace.target.join("debug/cupola"));
    process::run(setup.args(["setup", "code-interpreter"]))?;
    Ok(Outcome::NONE)
}
