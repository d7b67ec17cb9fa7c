//! What the chosen suites need of the system. As root on Debian or Ubuntu, missing packages are
//! installed; anyone else is told which they are.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::test::step::Suite;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// Something that must be there, and the Debian packages that bring it.
struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    suites: &'static [Suite],
    is_met: fn() -> bool,
}

const NEEDS: [Need; 6] = [
    Need {
        what: "a C compiler",
        packages: &["gcc", "libc6-dev"],
        suites: &[Suite::Lint, Suite::Rust, Suite::Python, Suite::Js],
        is_met: || process::find("cc").is_some(),
    },
    Need {
        // Hosted agents are tested with the real things.
        what: "docker-registry, dockerd, runc and a static busybox",
        packages: &["docker-registry", "docker.io", "runc", "busybox-static"],
        suites: &[Suite::Rust, Suite::Python],
        is_met: || {
            ["docker-registry", "dockerd", "runc", "busybox"].iter().all(|name| process::find(name).is_some())
        },
    },
    Need {
        // Images for them are made from nothing else: no public registry is reached.
        what: "debootstrap, and Python as the system has it",
        packages: &["debootstrap", "python3"],
        suites: &[Suite::Python],
        is_met: || process::find("debootstrap").is_some() && Path::new("/usr/bin/python3").exists(),
    },
    Need {
        // Debian ships Python without these modules.
        what: "Python 3.10 or newer with venv and pip",
        packages: &["python3", "python3-venv", "python3-pip"],
        suites: &[Suite::Python],
        is_met: python_is_complete,
    },
    Need {
        // An old Node will do here: the suite fetches a newer one through npm.
        what: "Node",
        packages: &["nodejs"],
        suites: &[Suite::Js, Suite::Python],
        is_met: || process::find("node").is_some(),
    },
    Need {
        what: "npm",
        packages: &["npm"],
        suites: &[Suite::Js, Suite::Python],
        is_met: || process::find("npm").is_some(),
    },
];

/// Only prepares, so it has nothing to count.
pub fn run(_: &Workspace, args: &Args) -> Result<Outcome> {
    let missing = unmet(args);
    if missing.is_empty() {
        println!("everything is there");
        return Ok(Outcome::NONE);
    }
    let packages: Vec<_> = missing.iter().flat_map(|need| need.packages).copied().collect();
    if !(is_debian() && rustix::process::geteuid().is_root()) {
        let whats: Vec<_> = missing.iter().map(|need| need.what).collect();
        let advice = format!("sudo apt-get install --no-install-recommends {}", packages.join(" "));
        bail!("missing: {}. On Debian or Ubuntu: {advice}", whats.join(", "));
    }
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages.as_slice()].concat())?;
    if let Some(need) = unmet(args).first() {
        bail!("{} is still missing after {} were installed", need.what, packages.join(" "));
    }
    Ok(Outcome::NONE)
}

/// Whether the system's Node is one that the SDK and the suite's time limit need: 20.11 or newer.
pub fn node_is_recent() -> bool {
    let check = "const [major, minor] = process.versions.node.split('.').map(Number);
        process.exit(major > 20 || (major === 20 && minor >= 11) ? 0 : 1)";
    process::succeeds(Command::new("node").args(["-e", check]))
}

fn python_is_complete() -> bool {
    let check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    process::succeeds(Command::new("python3").args(["-c", check]))
}

fn unmet(args: &Args) -> Vec<&'static Need> {
    let wanted = |need: &Need| need.suites.iter().any(|suite| args.wants(*suite));
    NEEDS.iter().filter(|need| wanted(need) && !(need.is_met)()).collect()
}

fn apt(arguments: &[&str]) -> Result<()> {
    process::run(
        Command::new("apt-get").arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Debian itself and what is made from it, Ubuntu among others.
fn is_debian() -> bool {
    let about = fs::read_to_string("/etc/os-release").unwrap_or_default();
    about.lines().any(|line| match line.split_once('=') {
        Some(("ID" | "ID_LIKE", ids)) => ids.trim_matches('"').split(' ').any(|id| id == "debian"),
        _ => false,
    })
}
