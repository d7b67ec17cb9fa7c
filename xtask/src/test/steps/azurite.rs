//! Azurite, the emulator of storage accounts, from the npm registry in the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

const VERSION: &str = "3.37.0";

/// The program of its queue service, which is installed where it is not.
pub fn queue_service(workspace: &Workspace) -> Result<PathBuf> {
    let directory = workspace.cache.join(format!("azurite-{VERSION}"));
    let program = directory.join("node_modules/.bin/azurite-queue");
    if !program.exists() {
        let mut install = Command::new("npm");
        install.args([
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--omit=optional",
        ]);
        install.args(["--loglevel=error", "--prefix"]);
        process::run(install.arg(&directory).arg(format!("azurite@{VERSION}")))?;
    }
    Ok(program)
}
