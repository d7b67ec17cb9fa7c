//! Virtual environments in the cache, keyed by everything that is installed into them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::process;
use crate::workspace::Workspace;

/// A generation of packages, as `REQUIREMENTS/NAME.txt` lists them.
pub struct Generation {
    /// The suite whose requirements they are.
    pub suite: &'static str,
    /// Its name.
    pub name: &'static str,
}

impl Generation {
    /// The list of packages for pip.
    pub fn packages(&self, workspace: &Workspace) -> PathBuf {
        self.requirements(workspace).join(format!("{}.txt", self.name))
    }

    /// A short digest of the packages and of the version of an interpreter.
    pub fn key(&self, workspace: &Workspace, interpreter: &str) -> Result<String> {
        let mut digest = Sha256::new();
        digest.update(process::output(Command::new(interpreter).arg("-VV"))?);
        for file in [self.requirements(workspace).join("common.txt"), self.packages(workspace)] {
            digest.update(std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        Ok(hex::encode(&digest.finalize()[..6]))
    }

    /// The interpreter of the virtual environment, which is made if it is not there yet.
    pub fn interpreter(&self, workspace: &Workspace) -> Result<PathBuf> {
        let key = self.key(workspace, "python3")?;
        let directory = workspace.cache.join("venvs").join(format!("{}-{key}", self.name));
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
        process::run(install.arg("--requirement").arg(self.packages(workspace)))?;
        // Only now is it whole; an interrupted installation starts again.
        std::fs::write(complete, "")?;
        Ok(python)
    }

    fn requirements(&self, workspace: &Workspace) -> PathBuf {
        workspace.sdk_suite(self.suite).join("requirements")
    }
}
