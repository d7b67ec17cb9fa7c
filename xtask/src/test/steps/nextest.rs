//! The tests of all crates, the crash tests among them.

use anyhow::Result;

use super::tool;
use crate::process;
use crate::test::{Args, junit, outcome::Outcome};
use crate::workspace::Workspace;

/// The profile `report` in `.config/nextest.toml` writes the report.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    tool::NEXTEST.install(workspace)?;
    let report = workspace.target.join("nextest").join("report").join("junit.xml");
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let nextest = ["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--profile", "report"];
    junit::judge(process::run(workspace.cargo().args(nextest)), &report)
}
