//! The JavaScript suite with the official SDKs, against a service that xtask starts.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::system;
use crate::process;
use crate::server::Server;
use crate::test::{Args, junit, outcome::Outcome};
use crate::workspace::Workspace;

/// The Node that is fetched where the system's is older than the SDK needs.
const NODE: &str = "20.20.2";

/// The tests know nothing but environment variables; Node reads its CA file only when it starts.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    let suite = workspace.root.join("tests/sdk/js");
    let node = node(workspace)?;
    install(&suite)?;
    let report = workspace.report("javascript")?;
    let server = Server::start(workspace)?;
    let mut tests = Command::new(node);
    tests.current_dir(&suite).args(["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"]);
    tests.arg("--test-reporter=junit").arg(format!("--test-reporter-destination={}", report.display()));
    let ended = process::run(server.apply(&mut tests));
    let mut outcome = junit::judge(ended, &report)?;
    outcome += Outcome::of(server.stop());
    Ok(outcome)
}

/// Installs what the lock file names, unless exactly that is there already.
fn install(suite: &Path) -> Result<()> {
    let lock = std::fs::read(suite.join("package-lock.json")).context("the suite has no lock file")?;
    let installed = suite.join("node_modules/.installed-lock.json");
    if std::fs::read(&installed).is_ok_and(|earlier| earlier == lock) {
        return Ok(());
    }
    let ci = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    process::run(Command::new("npm").current_dir(suite).args(ci))?;
    Ok(std::fs::write(installed, lock)?)
}

/// The system's Node if it is new enough, else one from the npm registry in the cache.
fn node(workspace: &Workspace) -> Result<PathBuf> {
    if system::node_is_recent() {
        return process::find("node").context("node is not on PATH");
    }
    let package = format!("node-linux-{}", architecture()?);
    let directory = workspace.cache.join(format!("node-{NODE}"));
    let node = directory.join("node_modules").join(&package).join("bin/node");
    if !node.exists() {
        let mut install = Command::new("npm");
        install.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        process::run(install.arg(&directory).arg(format!("{package}@{NODE}")))?;
    }
    Ok(node)
}

fn architecture() -> Result<&'static str> {
    match env::consts::ARCH {
        "x86_64" => Ok("x64"),
        "aarch64" => Ok("arm64"),
        other => bail!("there is no ready-made Node {NODE} for {other}; install Node 20 or newer"),
    }
}
