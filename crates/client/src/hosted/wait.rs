//! Waits until a version can be used. The service tells nobody when that is, so it is asked again and again.

use std::time::Duration;

use cupola_wire::agents::{AgentVersion, AgentVersionStatus};
use tokio::time::{Instant, sleep};

use crate::{Agents, Error, Result};

/// How a version is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long in all; ten minutes by default.
    pub deadline: Duration,
    /// How long until the version is looked at for the second time; 100 ms by default. Then twice as long,
    /// and so on.
    pub first_pause: Duration,
    /// The longest pause; two seconds by default.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(600),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl Agents {
    /// The version once it can be used. One that could not be made is an [`Error::VersionFailed`].
    pub async fn wait_until_active(
        &self,
        name: &str,
        version: &str,
        patience: Patience,
    ) -> Result<AgentVersion> {
        self.follow_until_active(name, version, patience, |_| {}).await
    }

    /// The same; `seen` is shown the version each time it is looked at. [`AgentVersion::progress`] says how
    /// far it is.
    pub async fn follow_until_active(
        &self,
        name: &str,
        version: &str,
        patience: Patience,
        mut seen: impl FnMut(&AgentVersion),
    ) -> Result<AgentVersion> {
        let (began, mut pause) = (Instant::now(), patience.first_pause);
        loop {
            let found = self.get_version(name, version).await?;
            seen(&found);
            match found.status {
                AgentVersionStatus::Active => return Ok(found),
                AgentVersionStatus::Creating => {}
                _ => return Err(failed(&found)),
            }
            let left = patience.deadline.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Error::Deadline {
                    id: found.id,
                    status: "creating".to_owned(),
                    after: patience.deadline,
                });
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(patience.longest_pause);
        }
    }
}

fn failed(version: &AgentVersion) -> Error {
    let error = version.error().unwrap_or_default();
    let message = match version.status {
        AgentVersionStatus::Failed if error.message.is_empty() => "no reason is given".to_owned(),
        AgentVersionStatus::Failed => error.message,
        _ => "it was deleted meanwhile".to_owned(),
    };
    Error::VersionFailed { id: version.id.clone(), code: error.code, message }
}
