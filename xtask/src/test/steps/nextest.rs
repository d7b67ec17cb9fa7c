//! The tests of all crates, the crash tests among them.

use anyhow::Result;

use super::tool;
use crate::process;
use crate::test::{Args, junit, outcome::Outcome};
use crate::workspace::Workspace;

/// Where the profile `report` of `.config/nextest.toml` writes: always below the workspace's own top.
const REPORT: &str = "target/nextest/report/junit.xml";

/// One test for each test of the crates.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    tool::NEXTEST.install(workspace)?;
    let report = workspace.root.join(REPORT);
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let nextest = ["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--profile", "report"];
    junit::judge(process::run(workspace.cargo().args(nextest)), &report)
}
