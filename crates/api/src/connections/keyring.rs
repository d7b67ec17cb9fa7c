//! Connections with their secrets, for what works without a request: the tools of turns.

use std::sync::Arc;

use cupola_identity::SealingKey;
use cupola_store::SharedStore;

use super::{ConfiguredConnection, shelf};
use crate::ApiError;

/// Finds connections with their secrets.
#[derive(Clone)]
pub struct Keyring {
    store: SharedStore,
    sealing: Arc<SealingKey>,
    configured: Arc<[ConfiguredConnection]>,
}

impl Keyring {
    /// The connections of the configuration, and those that clients have put into the store.
    pub fn new(
        store: SharedStore,
        sealing: Arc<SealingKey>,
        configured: impl Into<Arc<[ConfiguredConnection]>>,
    ) -> Self {
        Self { store, sealing, configured: configured.into() }
    }

    /// The connection with this name, or with this resource id, which ends in its name.
    pub async fn find(
        &self,
        project: &Arc<str>,
        name_or_id: &str,
    ) -> Result<Option<ConfiguredConnection>, ApiError> {
        let name = name_or_id.rsplit_once("/connections/").map_or(name_or_id, |(_, name)| name);
        if let Some(configured) = self.configured.iter().find(|one| one.connection.name == name) {
            return Ok(Some(configured.clone()));
        }
        let Some(stored) = shelf::find(&self.store, project, name).await? else { return Ok(None) };
        let secrets = stored.unseal(&self.sealing, project)?;
        Ok(Some(ConfiguredConnection { connection: stored.connection, secrets }))
    }
}
