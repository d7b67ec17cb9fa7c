//! What runs hosted agents here.

use super::verdict::Verdict;
use crate::{
    config::{Config, RuntimeChoice},
    hosts,
};

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
        RuntimeChoice::Auto => Ok(hosts::best(&aside, &folder.path().join("hosting")).await),
        _ => hosts::choose(&aside).await,
    };
    match found {
        Ok(host) if host.runtime.is_some() => Verdict::ok(CHECK, format!("run on {}", host.reason)),
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
