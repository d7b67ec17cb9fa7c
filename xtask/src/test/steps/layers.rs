//! The layers that images of hosted agents stand on: a small Debian with Python, and the official packages.
//! They are made once, as tar files in the cache; the suite pushes them to its registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::python::{AGENT_SERVER, FIRST_AGENT_SERVER};
use super::venv::Generation;
use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// The system's own interpreter, which is that of a system made from the same packages.
const INTERPRETER: &str = "/usr/bin/python3";

/// What nobody looks for in a container.
const LEFT_OUT: &[&str] =
    &["./usr/share/doc", "./usr/share/locale", "./usr/share/man", "./var/cache", "./var/lib/apt"];

/// The tar files of the layers.
pub struct Layers {
    /// A Debian with Python.
    pub system: PathBuf,
    /// The official packages in `/opt/site`.
    pub packages: PathBuf,
    /// The official package of the first generation, in the same place.
    pub first_packages: PathBuf,
}

impl Layers {
    /// Where they are; their names say what is in them.
    pub fn of(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.cache.join("layers");
        let packages = |generation: &Generation| {
            let requirements = generation.key(workspace, INTERPRETER)?;
            anyhow::Ok(folder.join(format!("packages-{requirements}.tar")))
        };
        Ok(Self {
            system: folder.join(format!("system-{}-{}.tar", codename()?, std::env::consts::ARCH)),
            packages: packages(&AGENT_SERVER)?,
            first_packages: packages(&FIRST_AGENT_SERVER)?,
        })
    }
}

/// Only prepares, so it has nothing to count.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "images of hosted agents are made with debootstrap, as root"
    );
    let layers = Layers::of(workspace)?;
    make(&layers.system, system)?;
    make(&layers.packages, |root| packages(workspace, &AGENT_SERVER, root))?;
    make(&layers.first_packages, |root| packages(workspace, &FIRST_AGENT_SERVER, root))?;
    Ok(Outcome::NONE)
}

/// Makes a layer from the folder that `fill` fills, if it is not there yet.
fn make(layer: &Path, fill: impl Fn(&Path) -> Result<()>) -> Result<()> {
    if layer.exists() {
        println!("{} is there", layer.display());
        return Ok(());
    }
    let folder = layer.parent().context("a layer lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let root = tempfile::tempdir_in(folder)?;
    fill(root.path())?;
    let half = tempfile::NamedTempFile::new_in(folder)?;
    let mut tar = Command::new("tar");
    tar.args(["--create", "--numeric-owner", "--directory"]).arg(root.path());
    tar.args(LEFT_OUT.iter().map(|path| format!("--exclude={path}")));
    process::run(tar.arg("--file").arg(half.path()).arg("."))?;
    // Only now is it whole; one that was interrupted is made again.
    half.persist(layer)?;
    Ok(())
}

/// The smallest Debian that has Python, in the release of this machine.
fn system(root: &Path) -> Result<()> {
    fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", "--include=python3", &codename()?]);
    process::run(debootstrap.arg(root))
}

/// The packages for the interpreter of that system, compiled: a program starts with them at once.
fn packages(workspace: &Workspace, generation: &Generation, root: &Path) -> Result<()> {
    fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut pip = Command::new(AGENT_SERVER.interpreter(workspace)?);
    pip.args(["-m", "pip", "--python", INTERPRETER, "install", "--quiet", "--no-input"]);
    pip.args(["--disable-pip-version-check", "--root-user-action=ignore", "--target"]);
    pip.arg(root.join("opt/site")).arg("--requirement").arg(generation.packages(workspace));
    process::run(&mut pip)
}

/// What this machine's release is called.
fn codename() -> Result<String> {
    let about = fs::read_to_string("/etc/os-release").context("cannot tell which system this is")?;
    let line = about.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(line.context("/etc/os-release names no VERSION_CODENAME")?.trim_matches('"').to_owned())
}
