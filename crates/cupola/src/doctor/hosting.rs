//! What runs hosted agents here.

use super::verdict::Verdict;
use crate::{
    config::{Config, RuntimeChoice},
    hosts,
};

/// Whose what is made on a shared daemon is: always the same, so that it is made once.
const OWNER: &str = "doctor";

/// Which runtime is taken, and why.
pub async fn runtime(config: &Config) -> Verdict {
    const CHECK: &str = "hosted agents";
    // Beside a server that runs: nothing of its folder is touched.
    let Ok(folder) = tempfile::tempdir() else {
        return Verdict::warn(
            CHECK,
            "not looked at: no temporary folder can be made",
            "Make some space in /tmp.",
        );
    };
    let aside = Config { data: folder.path().to_owned(), ..config.clone() };
    let found = match config.hosting.runtime {
        RuntimeChoice::Auto => Ok(hosts::best(&aside, OWNER).await),
        _ => hosts::choose(&aside, OWNER).await,
    };
    match found {
        Ok(host) if host.runtime.is_some() => Verdict::ok(CHECK, runs(&host)),
        Ok(host) if config.hosting.runtime == RuntimeChoice::Off => Verdict::ok(CHECK, host.reason),
        Ok(host) => Verdict::warn(
            CHECK,
            format!("can't run here: {}", host.reason),
            "Install runc, or Docker Engine (docker.io), or start Cupola as root. All else works without.",
        ),
        Err(failure) => Verdict::fail(
            CHECK,
            failure.message(),
            "Choose another hosting.runtime in the configuration, or \"auto\".",
        ),
    }
}

/// What they run on, and what that does not do.
fn runs(host: &hosts::Host) -> String {
    let mut message = format!("run on {}", host.reason);
    for lack in &host.lacks {
        message.push_str(". ");
        message.push_str(lack.trim_end_matches('.'));
    }
    message
        + ". Memory is not kept while a session sleeps: enable_memory_snapshot is accepted and has no effect"
}
