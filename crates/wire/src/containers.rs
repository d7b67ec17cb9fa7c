//! Containers: where code runs, and the files in them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::UnixSeconds;

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Always `container`.
    pub object: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// `running`, or `expired`.
    pub status: String,
    /// When it expires.
    pub expires_after: ContainerExpiry,
    /// When it was used last.
    pub last_active_at: UnixSeconds,
    /// How much memory its code may use: `1g`, `4g`, `16g` or `64g`.
    pub memory_limit: String,
    /// What of the network its code reaches.
    pub network_policy: NetworkPolicy,
    /// What it is called.
    pub name: String,
}

/// When a container expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerExpiry {
    /// From when on time is counted: `last_active_at`.
    pub anchor: String,
    /// How many minutes later.
    pub minutes: i64,
}

/// What of the network a container reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPolicy {
    /// `disabled`, or `allowlist`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What a new container is to be.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CreateContainer {
    /// What it is called.
    pub name: String,
    /// When it expires.
    #[serde(default)]
    pub expires_after: Option<ContainerExpiry>,
    /// Uploaded files that are copied into it.
    #[serde(default)]
    pub file_ids: Option<Vec<String>>,
    /// How much memory its code may use.
    #[serde(default)]
    pub memory_limit: Option<String>,
    /// What of the network its code reaches.
    #[serde(default)]
    pub network_policy: Option<NetworkPolicy>,
    /// Skills that are mounted into it.
    #[serde(default)]
    pub skills: Option<Vec<Value>>,
}

/// A file in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFile {
    /// Its id.
    pub id: String,
    /// Always `container.file`.
    pub object: String,
    /// When it was put there.
    pub created_at: UnixSeconds,
    /// How large it is.
    pub bytes: u64,
    /// The container.
    pub container_id: String,
    /// Where code finds it.
    pub path: String,
    /// Who put it there: `user`, or `assistant`.
    pub source: String,
}

/// An uploaded file that is to be copied into a container.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CreateContainerFile {
    /// The uploaded file.
    pub file_id: String,
}
