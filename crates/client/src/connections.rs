//! Connections: where other services are and how to be let in there.

use std::sync::Arc;

use cupola_wire::connections::{Connection, PutConnection};
use futures_util::TryStreamExt as _;

use crate::{
    ItemStream, Result,
    service::{Query, Service},
    values::values,
};

/// Connections of the project.
#[derive(Clone, Debug)]
pub struct Connections {
    service: Arc<Service>,
}

/// Which connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// Only those of this type, for example `CognitiveSearch`.
    pub kind: Option<String>,
    /// Only those that are the default of their type, or only the others.
    pub is_default: Option<bool>,
}

impl Connections {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// The connections that the query asks for, without their secrets.
    pub fn list(&self, query: &ConnectionQuery) -> ItemStream<Connection> {
        let is_default = query.is_default.map(|is_default| is_default.to_string());
        let filters = [("connectionType", query.kind.clone()), ("defaultConnection", is_default)];
        let query = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        values(&self.service, &["connections"], query)
    }

    /// One connection, without its secrets.
    pub async fn get(&self, name: &str) -> Result<Connection> {
        self.service.get(&["connections", name], Query::new()).await
    }

    /// One connection with its secrets.
    pub async fn get_with_credentials(&self, name: &str) -> Result<Connection> {
        self.service.post_empty(&["connections", name, "getConnectionWithCredentials"]).await
    }

    /// The connection to use for a type, if there is one, without its secrets.
    pub async fn get_default(&self, kind: &str) -> Result<Option<Connection>> {
        let query = ConnectionQuery { kind: Some(kind.to_owned()), is_default: Some(true) };
        self.list(&query).try_next().await
    }

    /// Creates a connection, or takes the place of the one with that name. Only Cupola offers this: in
    /// Azure, connections are made through the resource manager.
    pub async fn put(&self, name: &str, connection: &PutConnection) -> Result<Connection> {
        self.service.put(&["connections", name], connection).await
    }

    /// Deletes a connection. Only Cupola offers this.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.service.remove(&["connections", name], Query::new()).await
    }
}
