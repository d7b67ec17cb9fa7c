//! Waits until a version can be used.

use cupola_wire::agents::{AgentVersion, AgentVersionStatus};

use crate::{Agents, Error, Patience, Result};

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
        let mut pauses = patience.begin();
        loop {
            let found = self.get_version(name, version).await?;
            seen(&found);
            match found.status {
                AgentVersionStatus::Active => return Ok(found),
                AgentVersionStatus::Creating => pauses.pause(None, &found.id, "creating").await?,
                _ => return Err(failed(&found)),
            }
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
