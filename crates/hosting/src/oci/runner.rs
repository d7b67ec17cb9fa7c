//! Who puts programs into their cages: this service itself, or an installed OCI runtime.

use std::{env, path::PathBuf};

use cupola_sandbox::{Limits, Root, Runner, Spec, spawn};
use tokio::io::AsyncReadExt as _;

use super::host;
use crate::{Code, Failure};

/// Programs that speak the words of an OCI runtime, the better known first.
const RUNTIMES: [&str; 2] = ["runc", "crun"];

/// Where they are installed, if not along `PATH`: services often have a short one.
const PLACES: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Which one is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunnerChoice {
    /// This service's own. It starts sandboxes faster than others, leaves no process of its own beside them,
    /// and works without root.
    #[default]
    Builtin,
    /// An installed OCI runtime (`runc`, or else `crun`).
    Runc,
    /// An installed OCI runtime where one works, else this service's own.
    Auto,
}

/// Finds the one that was asked for, and makes sure that it works.
pub(super) async fn choose(choice: RunnerChoice) -> Result<Runner, Failure> {
    let mut problems = Vec::new();
    if choice != RunnerChoice::Builtin {
        let installed = installed();
        if installed.is_empty() {
            problems.push("no OCI runtime is installed (runc or crun)".to_owned());
        }
        for path in installed {
            let name = path.display().to_string();
            match check(Runner::Oci(path.clone())).await {
                Ok(()) => return Ok(Runner::Oci(path)),
                Err(problem) => problems.push(format!("{name} does not work here: {problem}")),
            }
        }
    }
    if choice != RunnerChoice::Runc {
        match check(Runner::Builtin).await {
            Ok(()) => {
                if !problems.is_empty() {
                    tracing::info!(why = problems.join("; "), "sandboxes are made by this service itself");
                }
                return Ok(Runner::Builtin);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let message = format!("Sandboxes can't be made on this machine: {}.", problems.join("; "));
    Err(Failure::new(Code::CapabilityHostNotFound, message))
}

fn installed() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = env::split_paths(&path).chain(PLACES.map(PathBuf::from)).collect();
    let find = |name: &str| places.iter().map(|place| place.join(name)).find(|path| path.is_file());
    RUNTIMES.into_iter().filter_map(find).collect()
}

/// Starts a program that does nothing, in a cage such as all will have.
async fn check(runner: Runner) -> Result<(), String> {
    let is_own = matches!(runner, Runner::Builtin);
    let mut child = match spawn(trial(runner)).await {
        Ok(child) => child,
        // It came as far as to look for the program, and this machine has none of that name.
        Err(cupola_sandbox::StartError::Program(_)) if is_own => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let mut said = String::new();
    if let Some(mut output) = child.take_stderr() {
        // What is no text says nothing.
        let _ = output.read_to_string(&mut said).await;
    }
    let mut exit = child.exit();
    let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or_default();
    match exit.code {
        Some(0) => Ok(()),
        _ => Err(said.lines().last().unwrap_or("it ended without a word").to_owned()),
    }
}

fn trial(runner: Runner) -> Spec {
    Spec {
        name: "cupola-trial".to_owned(),
        root: Root::Host(host::visible(Vec::new())),
        binds: Vec::new(),
        shared: None,
        files: host::people(),
        command: vec!["true".to_owned()],
        environment: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        folder: "/".into(),
        user: host::USER.to_owned(),
        listen: Vec::new(),
        limits: Limits { cpu_millis: 1000, memory_bytes: 128 << 20, processes: 64, disk_bytes: 1 << 20 },
        first_id: super::slots::FIRST,
        runner,
    }
}
