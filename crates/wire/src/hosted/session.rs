//! A session: a sandbox of its own, with files that outlive it.

use serde::{Deserialize, Serialize};

use crate::{Extra, UnixSeconds, error::ErrorDetail, words::words};

/// A session of a hosted agent.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct AgentSession {
    /// Its id, within the agent.
    pub agent_session_id: String,
    /// The version that it was made with. It stays the same.
    pub version_indicator: VersionIndicator,
    /// Where it stands.
    pub status: SessionStatus,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// When it was used last.
    pub last_accessed_at: UnixSeconds,
    /// When it ends unless it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixSeconds>,
    /// When its sandbox was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<UnixSeconds>,
    /// Why its sandbox did not come up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

words! {
    /// Where a session stands.
    SessionStatus {
        /// Its sandbox is being started for the first time.
        "creating" => Creating,
        /// Its sandbox runs.
        "active" => Active,
        /// Its sandbox is stopped; the next use starts it again.
        "idle" => Idle,
        /// It is being changed.
        "updating" => Updating,
        /// Its sandbox did not come up.
        "failed" => Failed,
        /// It is being deleted.
        "deleting" => Deleting,
        /// It is gone.
        "deleted" => Deleted,
        /// Nobody used it for too long.
        "expired" => Expired,
    }
}

/// Which version a session is made with.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct VersionIndicator {
    /// Always `version_ref`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version.
    pub agent_version: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

impl VersionIndicator {
    /// This version.
    pub fn new(version: impl Into<String>) -> Self {
        Self { kind: "version_ref".to_owned(), agent_version: version.into(), extra: Extra::new() }
    }
}

/// The body that creates a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateSession {
    /// Its id; the service makes one where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_session_id: Option<String>,
    /// Its version; the one that traffic goes to where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_indicator: Option<VersionIndicator>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}
