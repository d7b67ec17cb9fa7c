//! What is kept of containers and their files, and how they are shown.

use cupola_store::{Resource, StoreError};
use cupola_wire::{
    UnixSeconds,
    containers::{Container, ContainerExpiry, ContainerFile, NetworkPolicy},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Where code finds the files of its container.
pub const FOLDER: &str = "/mnt/data";
const MINUTE: i64 = 60;
/// How long a container lives after its last use, where nobody says otherwise.
pub const MINUTES: i64 = 20;
/// How much memory its code may use, where nobody says otherwise.
pub const MEMORY: &str = "1g";
/// Who put a file there.
pub const BY_USER: &str = "user";
/// The same.
pub const BY_CODE: &str = "assistant";

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerRecord {
    pub id: String,
    pub created_at: UnixSeconds,
    pub name: String,
    pub minutes: i64,
    pub memory_limit: String,
    pub last_active_at: UnixSeconds,
    /// Whether code has run in it, so that there may have been variables.
    #[serde(default)]
    pub has_run: bool,
    /// Whether its end was carried out: its files are gone.
    #[serde(default)]
    pub has_ended: bool,
}

impl ContainerRecord {
    /// When it expires if nobody uses it. It may have been used since it was written down.
    pub fn expires_at(&self, used_at: UnixSeconds) -> UnixSeconds {
        self.last_active_at.max(used_at).saturating_add(self.minutes.saturating_mul(MINUTE))
    }

    /// Whether its time is over.
    pub fn has_expired(&self, used_at: UnixSeconds, now: UnixSeconds) -> bool {
        self.has_ended || self.expires_at(used_at) <= now
    }

    /// How much memory its code may use, in bytes.
    pub fn memory(&self) -> u64 {
        memory(&self.memory_limit).unwrap_or(1 << 30)
    }

    /// As clients see it.
    pub fn shown(self, used_at: UnixSeconds, now: UnixSeconds) -> Container {
        let status = if self.has_expired(used_at, now) { "expired" } else { "running" };
        Container {
            id: self.id,
            object: "container".to_owned(),
            created_at: self.created_at,
            status: status.to_owned(),
            expires_after: ContainerExpiry { anchor: "last_active_at".to_owned(), minutes: self.minutes },
            last_active_at: self.last_active_at.max(used_at),
            memory_limit: self.memory_limit,
            network_policy: NetworkPolicy { kind: "disabled".to_owned() },
            name: self.name,
        }
    }
}

/// The bytes that `1g` and its like mean.
pub fn memory(limit: &str) -> Option<u64> {
    let gibibytes = match limit {
        "1g" => 1,
        "4g" => 4,
        "16g" => 16,
        "64g" => 64,
        _ => return None,
    };
    Some(gibibytes << 30)
}

/// A file in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its id.
    pub id: String,
    /// When it was put there.
    pub created_at: UnixSeconds,
    /// How large it is.
    pub bytes: u64,
    /// The container.
    pub container_id: String,
    /// Its path below the container's folder.
    pub path: String,
    /// Who put it there.
    pub source: String,
    /// Where its bytes are.
    pub blob: String,
    /// The uploaded file that it is a copy of.
    #[serde(default)]
    pub copy_of: Option<String>,
}

impl FileRecord {
    /// Where code finds it.
    pub fn place(&self) -> String {
        format!("{FOLDER}/{}", self.path)
    }

    /// Its name, without the folders that it lies in.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// As clients see it.
    pub fn shown(self) -> ContainerFile {
        ContainerFile {
            path: self.place(),
            id: self.id,
            object: "container.file".to_owned(),
            created_at: self.created_at,
            bytes: self.bytes,
            container_id: self.container_id,
            source: self.source,
        }
    }
}

/// Reads what is kept.
pub fn read<T: DeserializeOwned>(resource: &Resource) -> Result<T, StoreError> {
    serde_json::from_slice(&resource.doc)
        .map_err(|error| StoreError::Backend(format!("{} is damaged: {error}", resource.id)))
}
