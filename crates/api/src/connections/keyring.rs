//! Connections with their secrets, for what works without a request: the tools of turns.

use std::sync::Arc;

use cupola_identity::SealingKey;
use cupola_store::SharedStore;
use url::Url;

use super::{
    ConfiguredConnection, Connection,
    shelf::{self, Stored},
};
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
        self.open(project, stored).map(Some)
    }

    /// The connection whose target is at this address.
    pub async fn find_at(
        &self,
        project: &Arc<str>,
        address: &Url,
    ) -> Result<Option<ConfiguredConnection>, ApiError> {
        let is_at = |connection: &Connection| {
            let target = connection.target.parse::<Url>();
            target.is_ok_and(|target| plain(&target) == plain(address))
        };
        if let Some(configured) = self.configured.iter().find(|one| is_at(&one.connection)) {
            return Ok(Some(configured.clone()));
        }
        let stored = shelf::stored(&self.store, project).await?;
        let found = stored.into_iter().find(|(_, stored)| is_at(&stored.connection));
        found.map(|(_, stored)| self.open(project, stored)).transpose()
    }

    fn open(&self, project: &Arc<str>, stored: Stored) -> Result<ConfiguredConnection, ApiError> {
        let secrets = stored.unseal(&self.sealing, project)?;
        Ok(ConfiguredConnection { connection: stored.connection, secrets })
    }
}

/// An address in the one form in which it is compared.
fn plain(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}
