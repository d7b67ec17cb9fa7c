//! The dependencies' licences, the banned crates and their sources, as `deny.toml` says.
//! Advisories need a download, so they are checked only when asked for.

use anyhow::Result;

use super::tool;
use crate::process;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// One check.
pub fn run(workspace: &Workspace, args: &Args) -> Result<Outcome> {
    tool::DENY.install(workspace)?;
    let mut deny = workspace.cargo();
    deny.args(["deny", "--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    if args.advisories {
        deny.arg("advisories");
    }
    process::run(&mut deny)?;
    Ok(Outcome::SUCCESS)
}
