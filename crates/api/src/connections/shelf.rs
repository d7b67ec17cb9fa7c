//! Where connections are: the configuration's in memory, those of clients in the store.

use std::sync::Arc;

use bytes::Bytes;
use cupola_identity::SealingKey;
use cupola_store::{Key, Kind, Listing, Resource, SharedStore};
use serde::{Deserialize, Serialize};

use super::{ConfiguredConnection, Connection, Secrets};
use crate::{ApiError, Service, body::document};

const CONNECTION: Kind = Kind::named("connection");

/// A connection of a client as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The connection.
    pub connection: Connection,
    /// Its secrets, sealed.
    pub sealed: String,
}

/// Users choose the names, so they are kept apart from the ids of everything else.
pub fn key(project: &Arc<str>, name: &str) -> Key {
    Key::new(project, CONNECTION, format!("connections/{name}"))
}

/// The configured connection with this name.
pub fn configured<'a>(service: &'a Service, name: &str) -> Option<&'a ConfiguredConnection> {
    service.connections().iter().find(|configured| configured.connection.name == name)
}

/// The connections of clients, with what the store knows of them.
pub async fn stored(store: &SharedStore, project: &str) -> Result<Vec<(Resource, Stored)>, ApiError> {
    let listing = Listing::all(project, CONNECTION, "");
    let items = store.list(listing).await?.items;
    items.into_iter().map(|resource| read(&resource).map(|stored| (resource, stored))).collect()
}

/// The connection of a client with this name.
pub async fn find(store: &SharedStore, project: &Arc<str>, name: &str) -> Result<Option<Stored>, ApiError> {
    store.get(&key(project, name)).await?.map(|resource| read(&resource)).transpose()
}

fn read(resource: &Resource) -> Result<Stored, ApiError> {
    serde_json::from_slice(&resource.doc)
        .map_err(|error| ApiError::internal(&format!("reading {}", resource.id), error))
}

impl Stored {
    /// Seals the secrets of a connection.
    pub fn seal(
        service: &Service,
        project: &str,
        connection: Connection,
        secrets: &Secrets,
    ) -> Result<Self, ApiError> {
        let plain: serde_json::Map<_, _> =
            secrets.iter().map(|(name, secret)| (name.clone(), secret.expose().into())).collect();
        let plain = serde_json::Value::Object(plain).to_string();
        let sealed = service
            .sealing()
            .seal(&owner(project, &connection.name), &plain)
            .map_err(|error| ApiError::internal("sealing credentials", error))?;
        Ok(Self { connection, sealed })
    }

    /// The secrets.
    pub fn unseal(&self, sealing: &SealingKey, project: &str) -> Result<Secrets, ApiError> {
        let failed = |error: &dyn std::fmt::Display| ApiError::internal("opening credentials", error);
        let owner = owner(project, &self.connection.name);
        let plain = sealing.unseal(&owner, &self.sealed).map_err(|error| failed(&error))?;
        let fields: std::collections::BTreeMap<String, String> =
            serde_json::from_str(plain.expose()).map_err(|_| failed(&"they are no object of texts"))?;
        Ok(fields.into_iter().map(|(name, text)| (name, cupola_identity::Secret::new(text))).collect())
    }

    /// As it is stored.
    pub fn document(&self) -> Bytes {
        document(self)
    }
}

/// What a secret is sealed for: it can't be moved to another connection.
fn owner(project: &str, name: &str) -> String {
    format!("{project}/connections/{name}")
}
