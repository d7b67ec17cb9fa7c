//! Cargo subcommands that the steps use. One that the machine does not have is built into the cache, or
//! added to the toolchain if it is one of its components.

use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// A cargo subcommand and the version to install where it is missing.
pub struct Tool {
    subcommand: &'static str,
    version: &'static str,
}

/// Runs the tests of all crates at once, each in its own process.
pub const NEXTEST: Tool = Tool { subcommand: "nextest", version: "0.9.143" };
/// Checks licences, bans and sources.
pub const DENY: Tool = Tool { subcommand: "deny", version: "0.20.2" };

impl Tool {
    /// Makes `cargo SUBCOMMAND` work. Any version that is already there will do.
    pub fn install(&self, workspace: &Workspace) -> Result<()> {
        if process::succeeds(workspace.cargo().args([self.subcommand, "--version"])) {
            return Ok(());
        }
        println!("cargo {} is not there yet; building it once takes some minutes", self.subcommand);
        let package = format!("cargo-{}@{}", self.subcommand, self.version);
        let mut install = workspace.cargo();
        install.args(["install", "--quiet", "--locked", "--root"]).arg(workspace.tools()).arg(package);
        // Its own target directory keeps its many crates out of the workspace's.
        install.env("CARGO_TARGET_DIR", workspace.tools().join("target"));
        process::run(&mut install)?;
        Ok(std::fs::remove_dir_all(workspace.tools().join("target"))?)
    }
}

/// Makes a subcommand work that comes with the toolchain; minimal installations leave it out.
pub fn add_component(workspace: &Workspace, subcommand: &str, component: &str) -> Result<()> {
    if process::succeeds(workspace.cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    process::run(Command::new("rustup").current_dir(&workspace.root).args(["component", "add", component]))
}
