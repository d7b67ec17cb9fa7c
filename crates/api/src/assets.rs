//! Versioned records: a name, a version, and fields that belong to the client. Datasets and indexes are such.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use cupola_store::{Change, Conflict, Key, Kind, Listing, Order, StoreError};
use serde_json::{Map, Value};

use crate::{
    ApiError, Service,
    body::{document, json},
    values::{Parameters, escaped, values},
};

/// The longest name or version.
const LONGEST: usize = 255;
/// How many versions are in one page.
const PAGE: usize = 100;

/// The fields of a record.
pub type Fields = Map<String, Value>;

/// A kind of versioned record.
#[derive(Clone, Copy)]
pub struct Asset {
    /// Its kind in the store.
    pub kind: Kind,
    /// Its collection in addresses: `datasets`.
    pub collection: &'static str,
    /// Its collection in ids: `data`.
    pub id_collection: &'static str,
    /// Refuses fields that no record of this kind may have, and adds what the service knows.
    pub complete: fn(&mut Fields) -> Result<(), ApiError>,
}

/// A record's place.
#[derive(Clone, Debug)]
pub struct Place {
    /// The project.
    pub project: Arc<str>,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

impl Asset {
    /// The newest version of each name.
    pub async fn list(&self, service: &Service, project: &str) -> Result<Response, ApiError> {
        let all = service.store().list(self.listing(project, None, None, usize::MAX - 1)).await?;
        let mut names = std::collections::HashSet::new();
        let newest = all.items.iter().filter(|item| names.insert(item.facet.as_str()));
        Ok(values(newest.map(|item| &item.doc), None))
    }

    /// The versions of one name, the newest first, in pages.
    pub async fn versions(
        &self,
        service: &Service,
        project: &str,
        name: &str,
        query: &Parameters,
        origin: &str,
    ) -> Result<Response, ApiError> {
        let after = query.get("continuationToken");
        let page = service.store().list(self.listing(project, Some(name), after, PAGE)).await?;
        let next = page.items.last().filter(|_| page.has_more).map(|last| {
            format!(
                "{origin}/api/projects/{project}/{}/{}/versions?api-version={}&continuationToken={}",
                self.collection,
                escaped(name),
                escaped(query.get("api-version").unwrap_or("v1")),
                escaped(&last.id)
            )
        });
        Ok(values(page.items.iter().map(|item| &item.doc), next.as_deref()))
    }

    /// One version.
    pub async fn get(&self, service: &Service, place: &Place) -> Result<Bytes, ApiError> {
        match service.store().get(&self.key(place)).await? {
            Some(resource) => Ok(resource.doc),
            None => Err(self.not_found(place)),
        }
    }

    /// Creates a version, or merges into the one that is there.
    pub async fn patch(&self, service: &Service, place: &Place, patch: Fields) -> Result<Response, ApiError> {
        check_name("name", &place.name)?;
        check_name("version", &place.version)?;
        let key = self.key(place);
        loop {
            let current = service.store().get(&key).await?;
            let mut fields = match &current {
                Some(resource) => serde_json::from_slice(&resource.doc)
                    .map_err(|error| ApiError::internal(&format!("reading {key}"), error))?,
                None => Fields::new(),
            };
            merge(&mut fields, patch.clone());
            fields.insert("id".to_owned(), self.id(place).into());
            fields.insert("name".to_owned(), place.name.clone().into());
            fields.insert("version".to_owned(), place.version.clone().into());
            (self.complete)(&mut fields)?;
            let doc = document(&fields);
            let (change, status) = match current {
                Some(current) => {
                    let key = key.clone();
                    (Change::Replace { key, if_etag: current.etag, doc: doc.clone() }, StatusCode::OK)
                }
                None => (self.insert(service, place, doc.clone()), StatusCode::CREATED),
            };
            match service.store().commit(vec![change]).await {
                Ok(()) => return Ok((status, json(doc)).into_response()),
                // Somebody else was faster: the patch is made to what they left.
                Err(StoreError::Conflict(
                    Conflict::Changed(_) | Conflict::Missing(_) | Conflict::Exists(_),
                )) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Deletes a version; one that is not there is as good as deleted. Gives what it was.
    pub async fn delete(&self, service: &Service, place: &Place) -> Result<Option<Bytes>, ApiError> {
        let key = self.key(place);
        let Some(current) = service.store().get(&key).await? else { return Ok(None) };
        match service.store().commit(vec![Change::Delete { key }]).await {
            Ok(()) => Ok(Some(current.doc)),
            Err(StoreError::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn listing<'a>(
        &self,
        project: &'a str,
        name: Option<&'a str>,
        after: Option<&'a str>,
        limit: usize,
    ) -> Listing<'a> {
        let kind = self.kind;
        Listing { project, kind, parent: "", facet: name, order: Order::Desc, after, before: None, limit }
    }

    fn insert(&self, service: &Service, place: &Place, doc: Bytes) -> Change {
        let (parent, facet) = (String::new(), place.name.clone());
        Change::Insert {
            key: self.key(place),
            parent,
            facet,
            created_at: service.clock().seconds(),
            doc,
            aside: None,
        }
    }

    /// Users choose names and versions, so they are kept apart from the ids of everything else.
    fn key(&self, place: &Place) -> Key {
        let id = format!("{}/{}/{}", self.collection, place.name, place.version);
        Key::new(&place.project, self.kind, id)
    }

    fn id(&self, place: &Place) -> String {
        format!(
            "azureai://accounts/cupola/projects/{}/{}/{}/versions/{}",
            place.project, self.id_collection, place.name, place.version
        )
    }

    fn not_found(&self, place: &Place) -> ApiError {
        ApiError::not_found(format!("Could not find asset with ID: {}", self.id(place))).code("not_found")
    }
}

/// Merges as RFC 7396 says: `null` removes, objects merge, everything else replaces.
fn merge(fields: &mut Fields, patch: Fields) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                fields.shift_remove(&name);
            }
            Value::Object(inner) => {
                let field = fields.entry(name).or_insert_with(|| Value::Object(Fields::new()));
                if !field.is_object() {
                    *field = Value::Object(Fields::new());
                }
                if let Value::Object(field) = field {
                    merge(field, inner);
                }
            }
            value => {
                fields.insert(name, value);
            }
        }
    }
}

/// Names stand in addresses and ids.
pub fn check_name(field: &str, name: &str) -> Result<(), ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Invalid '{field}': use 1 to {LONGEST} letters, digits, '-', '_' and '.'."
    ))
    .code("invalid_value")
    .param(field))
}

/// Requires fields to be texts that are not empty.
pub fn require_texts(fields: &Fields, names: &[&str]) -> Result<(), ApiError> {
    for name in names {
        match fields.get(*name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            None | Some(Value::String(_)) => {
                return Err(ApiError::invalid(format!("Missing required parameter: '{name}'."))
                    .code("missing_required_parameter")
                    .param(*name));
            }
            Some(_) => {
                return Err(ApiError::invalid(format!("Invalid type for '{name}': expected a string."))
                    .code("invalid_type")
                    .param(*name));
            }
        }
    }
    Ok(())
}
