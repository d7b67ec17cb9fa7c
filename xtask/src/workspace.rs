//! Where things are: the checkout, the cache beside it, and cargo's target directory.
//! What a chore downloads or builds goes into the cache, so that a fresh clone finds it again.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The checkout and the directories that belong to it.
pub struct Workspace {
    /// The top of the checkout.
    pub root: PathBuf,
    /// Tools, virtual environments and the like; kept between runs.
    pub cache: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the checkout from xtask's own place in it, and the cache from the environment.
    pub fn locate() -> Result<Self> {
        let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&own).parent().context("xtask lies in no workspace")?.to_owned();
        let cache = cache_directory()?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache.join("target"), |dir| root.join(dir));
        Ok(Self { root, cache, target })
    }

    /// `cargo`, ready to be given its arguments.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target).env("PATH", self.path());
        // Cargo tells this program about its own package. Build scripts that look at these variables would
        // run again, and with them everything that stands on them.
        for (name, _) in env::vars_os() {
            let bytes = name.as_encoded_bytes();
            if bytes.starts_with(b"CARGO_PKG_") || bytes.starts_with(b"CARGO_MANIFEST_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Where `cargo install` puts the tools that the machine does not have.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// `PATH` with the installed tools at its end: what the machine has comes first.
    pub fn path(&self) -> OsString {
        let mut path = env::var_os("PATH").unwrap_or_default();
        path.push(":");
        path.push(self.tools().join("bin"));
        path
    }

    /// The service's binary as the development profile builds it.
    pub fn binary(&self) -> PathBuf {
        self.target.join("debug").join("cupola")
    }

    /// The folder of a suite of tests with official SDKs.
    pub fn sdk_suite(&self, name: &str) -> PathBuf {
        self.root.join("tests/sdk").join(name)
    }

    /// A place for the report of a test runner; an old report is removed.
    pub fn report(&self, name: &str) -> Result<PathBuf> {
        let directory = self.target.join("xtask");
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("{} cannot be created", directory.display()))?;
        let report = directory.join(format!("{name}.xml"));
        match std::fs::remove_file(&report) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("the old {} cannot be removed", report.display()))
            }
            _ => Ok(report),
        }
    }
}

fn cache_directory() -> Result<PathBuf> {
    if let Some(own) = env::var_os("CUPOLA_CACHE").filter(|dir| !dir.is_empty()) {
        return std::path::absolute(own).context("CUPOLA_CACHE is no usable path");
    }
    if let Some(common) = env::var_os("XDG_CACHE_HOME").filter(|dir| Path::new(dir).is_absolute()) {
        return Ok(Path::new(&common).join("cupola"));
    }
    let home = env::home_dir().context("there is no home directory; set CUPOLA_CACHE to a directory")?;
    Ok(home.join(".cache").join("cupola"))
}
