//! One step of the test chore: its name, the suites that include it, and what it does.

use anyhow::Result;
use clap::ValueEnum;

use super::Args;
use super::outcome::Outcome;
use crate::workspace::Workspace;

/// What `--only` chooses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Format, clippy, licences and bans.
    Lint,
    /// The crates' own tests, documentation examples, crash tests and the client's examples.
    Rust,
    /// The official Python SDKs against the real binary.
    Python,
    /// The official JavaScript SDKs against the real binary.
    Js,
}

/// A step. Its function says how many tests passed and failed, or why it could not run them.
pub struct Step {
    /// What is printed above its output.
    pub name: &'static str,
    /// The suites that it belongs to.
    pub suites: &'static [Suite],
    /// The steps that it cannot do without.
    pub needs: &'static [&'static str],
    /// What it does.
    pub run: fn(&Workspace, &Args) -> Result<Outcome>,
}
