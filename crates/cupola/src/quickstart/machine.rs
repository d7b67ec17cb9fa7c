//! The function that the demonstration's agent calls: facts that no model can know.

use std::fmt::Display;

use cupola_client::{FunctionSet, JsonSchema};
use serde::Deserialize;

/// Which fact is wanted.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[schemars(crate = "cupola_client::schemars")]
#[serde(rename_all = "lowercase")]
enum Fact {
    Disk,
    Processors,
    System,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "cupola_client::schemars")]
struct Question {
    /// Which fact is wanted.
    fact: Fact,
}

/// The function, as a tool.
pub fn functions() -> FunctionSet {
    FunctionSet::new().with_sync(
        "machine_fact",
        "Looks up one fact about this machine: its disk space, its processors or its system.",
        |question: Question| answer(question.fact),
    )
}

fn answer(fact: Fact) -> Result<String, String> {
    match fact {
        Fact::Disk => disk(),
        Fact::Processors => {
            std::thread::available_parallelism().map(|count| format!("{count} processors")).map_err(in_words)
        }
        Fact::System => {
            let system = rustix::system::uname();
            let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
            let (name, release, machine) = (system.sysname(), system.release(), system.machine());
            Ok(format!("{} {} on {}", text(name), text(release), text(machine)))
        }
    }
}

fn disk() -> Result<String, String> {
    let space = rustix::fs::statvfs(".").map_err(in_words)?;
    let gibibytes = |blocks: u64| blocks as f64 * space.f_frsize as f64 / f64::from(1 << 30);
    Ok(format!("{:.1} GiB of {:.1} GiB are free", gibibytes(space.f_bavail), gibibytes(space.f_blocks)))
}

fn in_words(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_fact_is_known() {
        assert!(answer(Fact::Disk).unwrap().ends_with("GiB are free"));
        assert!(answer(Fact::Processors).unwrap().ends_with("processors"));
        assert!(answer(Fact::System).unwrap().contains(" on "));
    }
}
