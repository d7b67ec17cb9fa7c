//! Who puts programs into their cages: this service itself, or an installed OCI runtime.

use cupola_sandbox::Runner;

use crate::Failure;

/// Which one is to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunnerChoice {
    /// This service's own.
    #[default]
    Builtin,
}

/// Finds the one that was asked for.
pub(super) async fn choose(choice: RunnerChoice) -> Result<Runner, Failure> {
    match choice {
        RunnerChoice::Builtin => Ok(Runner::Builtin),
    }
}
