//! The Python suites, once for each generation of the official SDKs.
//! Each has a virtual environment in the cache, keyed by everything that is installed into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::process;
use crate::test::{Args, junit, outcome::Outcome};
use crate::workspace::Workspace;

/// `azure-ai-projects` 1.0.0 with `azure-ai-agents` 1.1.0.
pub fn stable(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    suite(workspace, "python", "agents-1.1.0")
}

/// `azure-ai-agents` 1.2.0b6.
pub fn preview(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    suite(workspace, "python", "agents-1.2.0b6")
}

/// `azure-ai-projects` 2.10.0: agents with versions, conversations, responses.
pub fn projects(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    suite(workspace, "python_v2", "projects-2.10.0")
}

/// `azure-ai-projects` 2.0.0b3.
pub fn projects_preview(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    suite(workspace, "python_v2", "projects-2.0.0b3")
}

/// What hosted containers are made of: `azure-ai-agentserver-core` 2.2.0 and its companions.
pub fn agent_server(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    suite(workspace, "python_hosted", "agentserver-2.2.0")
}

/// `a2a-sdk` 0.3.26: agents that talk to agents.
pub fn a2a(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    suite(workspace, "python_a2a", "a2a-0.3.26")
}

fn suite(workspace: &Workspace, name: &str, generation: &str) -> Result<Outcome> {
    let suite = workspace.root.join("tests/sdk").join(name);
    let python = environment(workspace, generation, &suite.join("requirements"))?;
    let report = workspace.report(generation)?;
    let mut pytest = Command::new(python);
    pytest.current_dir(&suite).args(["-m", "pytest", "-p", "no:cacheprovider"]);
    pytest.arg(format!("--junit-xml={}", report.display()));
    pytest.env("CUPOLA_BIN", workspace.binary()).env("PYTHONDONTWRITEBYTECODE", "1");
    junit::judge(process::run(&mut pytest), &report)
}

/// The interpreter of the generation's virtual environment, which is made if it is not there yet.
fn environment(workspace: &Workspace, generation: &str, requirements: &Path) -> Result<PathBuf> {
    let packages = requirements.join(format!("{generation}.txt"));
    let key = key(&[&requirements.join("common.txt"), &packages])?;
    let directory = workspace.cache.join("venvs").join(format!("{generation}-{key}"));
    let python = directory.join("bin/python");
    let complete = directory.join("complete");
    if complete.exists() {
        return Ok(python);
    }
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    process::run(install.arg("--requirement").arg(&packages))?;
    // Only now is it whole; an interrupted installation starts again.
    std::fs::write(complete, "")?;
    Ok(python)
}

/// A short digest of the interpreter's version and the requirements.
fn key(files: &[&Path]) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update(process::output(Command::new("python3").args(["-VV"]))?);
    for file in files {
        digest.update(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    Ok(hex::encode(&digest.finalize()[..6]))
}
