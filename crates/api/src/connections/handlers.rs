//! List, get, get with credentials; and put and delete, which are Cupola's own.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_store::{Batch, Change, Conflict, StoreError};
use serde_json::{Map, Value};

use super::{
    Connection,
    body::{self, Sent},
    shelf::{self, Stored},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    path::{Ids, Project},
    values::{Parameters, values},
};

/// `GET /connections`: the defaults first, because clients take the first one.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: Parameters,
) -> Result<Response, ApiError> {
    let is_default = query.flag("defaultConnection")?;
    let kind = query.get("connectionType");
    let configured = service.connections().iter().map(|configured| configured.connection.clone());
    let stored = shelf::stored(service.store(), &project).await?;
    let mut all: Vec<Connection> =
        configured.chain(stored.into_iter().map(|(_, stored)| stored.connection)).collect();
    all.retain(|connection| {
        kind.is_none_or(|kind| connection.kind == kind)
            && is_default.is_none_or(|is_default| connection.is_default == is_default)
    });
    all.sort_by(|a, b| (!a.is_default, &a.name).cmp(&(!b.is_default, &b.name)));
    let shown: Vec<_> = all.iter().map(|connection| document(&connection.shown(&project, None))).collect();
    Ok(values(&shown, None))
}

/// `GET /connections/{name}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    if let Some(configured) = shelf::configured(&service, &name) {
        return Ok(answer(&configured.connection.shown(&project, None)));
    }
    let stored = shelf::find(service.store(), &project, &name).await?.ok_or_else(|| not_found(&name))?;
    Ok(answer(&stored.connection.shown(&project, None)))
}

/// `POST /connections/{name}/getConnectionWithCredentials`
pub async fn get_with_credentials(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    if let Some(configured) = shelf::configured(&service, &name) {
        return Ok(answer(&configured.connection.shown(&project, Some(&configured.secrets))));
    }
    let stored = shelf::find(service.store(), &project, &name).await?.ok_or_else(|| not_found(&name))?;
    let secrets = stored.unseal(service.sealing(), &project)?;
    Ok(answer(&stored.connection.shown(&project, Some(&secrets))))
}

/// `PUT /connections/{name}`: creates a connection, or takes the place of the one with that name.
pub async fn put(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Json(sent): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    refuse_configured(&service, &name)?;
    let Sent { mut connection, secrets, is_default } = body::read(name, sent)?;
    loop {
        let others = Others::look(&service, &project, &connection).await?;
        connection.is_default = others.decide(is_default)?;
        let stored = Stored::seal(&service, &project, connection.clone(), &secrets)?;
        let status = if others.etag.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        let created_at = service.clock().seconds();
        match service.store().commit(others.changes(&project, &stored, created_at)).await {
            Ok(()) => return Ok((status, answer(&connection.shown(&project, None))).into_response()),
            // Somebody else was faster; what they left is looked at again.
            Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Exists(_) | Conflict::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE /connections/{name}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
) -> Result<Response, ApiError> {
    refuse_configured(&service, &name)?;
    let change = Change::Delete { key: shelf::key(&project, &name) };
    match service.store().commit(vec![change]).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(StoreError::Conflict(_)) => Err(not_found(&name)),
        Err(error) => Err(error.into()),
    }
}

/// What there is beside a connection that is put.
struct Others {
    /// The etag of the connection whose place it takes, and whether that was the default.
    etag: Option<i64>,
    was_default: bool,
    /// The configured default of the same type.
    configured_default: Option<String>,
    /// The stored defaults of the same type, with their etags.
    stored_defaults: Vec<(i64, Stored)>,
}

impl Others {
    async fn look(service: &Service, project: &str, connection: &Connection) -> Result<Self, ApiError> {
        let rivals = |other: &Connection| other.kind == connection.kind && other.is_default;
        let configured = service.connections().iter().map(|configured| &configured.connection);
        let mut others = Self {
            etag: None,
            was_default: false,
            configured_default: configured
                .filter(|other| rivals(other))
                .map(|other| other.name.clone())
                .next(),
            stored_defaults: Vec::new(),
        };
        for (resource, stored) in shelf::stored(service.store(), project).await? {
            if stored.connection.name == connection.name {
                others.etag = Some(resource.etag);
                others.was_default = rivals(&stored.connection);
            } else if rivals(&stored.connection) {
                others.stored_defaults.push((resource.etag, stored));
            }
        }
        Ok(others)
    }

    /// Whether the connection becomes the default: as its client says; else the first of a type does.
    fn decide(&self, wanted: Option<bool>) -> Result<bool, ApiError> {
        match (wanted, &self.configured_default) {
            (Some(true), Some(name)) => Err(ApiError::invalid(format!(
                "The connection '{name}' of the configuration is the default of this type already. \
                 Change 'default' there first."
            ))
            .code("connection_is_configured")
            .param("isDefault")),
            (Some(wanted), _) => Ok(wanted),
            (None, configured) => {
                Ok(self.was_default || (configured.is_none() && self.stored_defaults.is_empty()))
            }
        }
    }

    /// What is to be committed: a new default takes the place of the old one.
    fn changes(self, project: &Arc<str>, stored: &Stored, created_at: i64) -> Batch {
        let key = shelf::key(project, &stored.connection.name);
        let doc = stored.document();
        let mut changes = vec![match self.etag {
            Some(if_etag) => Change::Replace { key, if_etag, doc },
            None => Change::Insert {
                key,
                parent: String::new(),
                facet: String::new(),
                created_at,
                doc,
                aside: None,
            },
        }];
        if stored.connection.is_default {
            for (if_etag, mut other) in self.stored_defaults {
                other.connection.is_default = false;
                let key = shelf::key(project, &other.connection.name);
                changes.push(Change::Replace { key, if_etag, doc: other.document() });
            }
        }
        changes
    }
}

fn refuse_configured(service: &Service, name: &str) -> Result<(), ApiError> {
    match shelf::configured(service, name) {
        Some(_) => Err(ApiError::conflict(format!(
            "The connection '{name}' comes from the configuration. Change it there."
        ))
        .code("connection_is_configured")),
        None => Ok(()),
    }
}

fn not_found(name: &str) -> ApiError {
    ApiError::not_found(format!("Connection '{name}' not found.")).code("not_found")
}
