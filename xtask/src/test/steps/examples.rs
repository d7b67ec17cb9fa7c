//! Every example of the Rust client runs to its end against a real service.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::server::Server;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// One test for each file in the client's `examples` directory.
pub fn run(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    let examples = names(&workspace.root.join("crates/client/examples"))?;
    process::run(workspace.cargo().args(["build", "--package", "cupola-client", "--examples", "--locked"]))?;
    let server = Server::start(workspace)?;
    let mut outcome = Outcome::NONE;
    for example in &examples {
        let mut run = Command::new(workspace.target.join("debug/examples").join(example));
        outcome += Outcome::of(process::run(server.apply(&mut run)));
    }
    outcome += Outcome::of(server.stop());
    Ok(outcome)
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let listing = directory.read_dir().with_context(|| format!("cannot list {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in listing {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    ensure!(!names.is_empty(), "{} has no examples", directory.display());
    names.sort();
    Ok(names)
}
