//! The items of a state store: create, get, put, delete.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use cupola_store::{Change, Key, StoreError};
use cupola_wire::Metadata;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{
    address::{agent_of, decoded, item_key, store_key},
    expiry,
    record::{Item, ItemRef, Store, new_etag, read},
    stores::find,
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    classic::checks,
    path::{Ids, Project},
    precondition::{IfMatch, failed, with_etag},
    storage::Requester,
};

/// Names the user whose items are meant.
const USER_ID: &str = "x-ms-user-id";
const LONGEST_KEY: usize = 1024;
const LARGEST_VALUE: usize = 1024 * 1024;

/// The user whose items are meant: the one that the container names, else the one for whom it asks.
#[derive(Clone, Debug)]
pub struct ItemsOf(pub Requester, pub String);

impl FromRequestParts<Service> for ItemsOf {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let requester = Requester::from_request_parts(parts, service).await?;
        let named = parts.headers.get(USER_ID).and_then(|value| value.to_str().ok());
        let user = named.filter(|user| !user.is_empty()).unwrap_or(&requester.user).to_owned();
        Ok(Self(requester, user))
    }
}

/// A new item.
#[derive(Debug, Deserialize)]
pub struct CreateItem {
    key: String,
    value: Box<RawValue>,
    tags: Option<Metadata>,
}

/// What an item is to be.
#[derive(Debug, Deserialize)]
pub struct PutItem {
    value: Box<RawValue>,
    tags: Option<Metadata>,
}

/// `POST state_stores/{store}/items`: a key that is there already is a conflict.
pub async fn create_item(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    owner: ItemsOf,
    Json(CreateItem { key, value, tags }): Json<CreateItem>,
) -> Result<Response, ApiError> {
    if key.is_empty() {
        return Err(ApiError::invalid("Invalid 'key': an item needs a key.")
            .code("invalid_value")
            .param("key"));
    }
    checks::text("key", Some(&key), LONGEST_KEY)?;
    let place = Place { service: &service, project: &project, store: decoded(&store)?, key, owner: &owner };
    match place.write(&PutItem { value, tags }, Write::New).await? {
        Ok(item) => {
            let etag = item.etag.clone();
            Ok(with_etag((StatusCode::CREATED, answer(&item)).into_response(), Some(&etag)))
        }
        Err(_) => {
            let message =
                format!("Item '{}' already exists in the state store '{}'.", place.key, place.store);
            Err(ApiError::conflict(message))
        }
    }
}

/// `PUT state_stores/{store}/items/{key}`
pub async fn put_item(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, key]): Ids<2>,
    owner: ItemsOf,
    if_match: IfMatch,
    Json(body): Json<PutItem>,
) -> Result<Response, ApiError> {
    let key = decoded(&key)?;
    checks::text("key", Some(&key), LONGEST_KEY)?;
    let place = Place { service: &service, project: &project, store: decoded(&store)?, key, owner: &owner };
    match place.write(&body, Write::If(if_match)).await? {
        Ok(item) => Ok(with_etag(answer(&item), Some(&item.etag))),
        Err(etag) => Ok(failed(&place.named(), etag.as_deref())),
    }
}

/// `GET state_stores/{store}/items/{key}`
pub async fn get_item(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, key]): Ids<2>,
    owner: ItemsOf,
) -> Result<Response, ApiError> {
    let (store, key) = (decoded(&store)?, decoded(&key)?);
    let place = Place { service: &service, project: &project, store, key, owner: &owner };
    let (_, key) = place.find().await?;
    match place.living(&key).await? {
        Some((item, _)) => Ok(with_etag(answer(&item.shown()), Some(&item.known.etag))),
        None => Err(ApiError::missing("Item", &place.key)),
    }
}

/// `DELETE state_stores/{store}/items/{key}`: deleting what is gone is no error.
pub async fn delete_item(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, key]): Ids<2>,
    owner: ItemsOf,
    if_match: IfMatch,
) -> Result<Response, ApiError> {
    let (store, key) = (decoded(&store)?, decoded(&key)?);
    let place = Place { service: &service, project: &project, store, key, owner: &owner };
    loop {
        let (_, key) = place.find().await?;
        let living = place.living(&key).await?;
        let etag = living.as_ref().map(|(item, _)| item.known.etag.as_str());
        if !if_match.is_met(etag) {
            return Ok(failed(&place.named(), etag));
        }
        let Some((item, version)) = living else {
            return Ok(answer(&json!({"object": "state_store.item", "key": place.key, "deleted": true})));
        };
        // Replacing it with itself refuses to delete what somebody else has written meanwhile.
        let doc = document(&item);
        let changes =
            vec![Change::Replace { key: key.clone(), if_etag: version, doc }, Change::Delete { key }];
        match service.store().commit(changes).await {
            Ok(()) => {
                return Ok(answer(&json!({
                    "id": item.known.id, "object": "state_store.item", "key": place.key, "deleted": true,
                })));
            }
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What a write asks of the item that there is.
enum Write {
    /// That there is none.
    New,
    /// What `If-Match` says.
    If(IfMatch),
}

impl Write {
    fn is_allowed(&self, etag: Option<&str>) -> bool {
        match self {
            Self::New => etag.is_none(),
            Self::If(condition) => condition.is_met(etag),
        }
    }
}

/// One item, whether it is there or not.
struct Place<'p> {
    service: &'p Service,
    project: &'p Arc<str>,
    store: String,
    key: String,
    owner: &'p ItemsOf,
}

impl Place<'_> {
    fn named(&self) -> String {
        format!("Item '{}' of the state store '{}'", self.key, self.store)
    }

    /// The store and where the item is in it.
    async fn find(&self) -> Result<(Store, Key), ApiError> {
        let ItemsOf(requester, _) = self.owner;
        let store: Store = read(&find(self.service, self.project, requester, &self.store).await?)?;
        let key = item_key(self.project, &store.id, self.user_in(&store), &self.key);
        Ok((store, key))
    }

    fn user_in(&self, store: &Store) -> &str {
        let ItemsOf(_, user) = self.owner;
        if store.user_isolation { user } else { "" }
    }

    /// The item, unless its time is over, and its version in the store.
    async fn living(&self, key: &Key) -> Result<Option<(Item, i64)>, ApiError> {
        let Some(stored) = self.service.store().get(key).await? else { return Ok(None) };
        let item: Item = read(&stored)?;
        let has_expired = item.has_expired(self.service.clock().seconds());
        Ok((!has_expired).then_some((item, stored.etag)))
    }

    /// Writes the item; where that is not allowed, gives the etag of the one that there is.
    async fn write(&self, body: &PutItem, write: Write) -> Result<Result<ItemRef, Option<String>>, ApiError> {
        check(body)?;
        loop {
            let (store, key) = self.find().await?;
            let now = self.service.clock().seconds();
            let stored = self.service.store().get(&key).await?;
            let current = stored.as_ref().map(read::<Item>).transpose()?;
            let living = current.as_ref().filter(|item| !item.has_expired(now));
            let etag = living.map(|item| item.known.etag.as_str());
            if !write.is_allowed(etag) {
                return Ok(Err(etag.map(str::to_owned)));
            }
            let item = Item {
                known: ItemRef {
                    id: key.id.clone(),
                    object: "state_store.item".to_owned(),
                    key: self.key.clone(),
                    etag: new_etag(),
                    created_at: living.map_or(now, |item| item.known.created_at),
                    updated_at: now,
                },
                value: body.value.clone(),
                tags: body.tags.clone(),
                expires_at: expiry::end_of(&store, now),
            };
            let mut changes = expiry::clearing(self.service, self.project, &store, &key, now).await?;
            changes.push(Change::RequirePresent {
                key: store_key(self.project, agent_of(&self.owner.0), &store.name),
            });
            changes.extend(self.placing(&store, key, stored.map(|stored| stored.etag), living, &item));
            match self.service.store().commit(changes).await {
                Ok(()) => return Ok(Ok(item.known)),
                // Somebody else was faster: what there is now is looked at again.
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The changes that put an item in its place. One whose time is over makes way for a new one.
    fn placing(
        &self,
        store: &Store,
        key: Key,
        stored: Option<i64>,
        living: Option<&Item>,
        item: &Item,
    ) -> Vec<Change> {
        let doc = document(item);
        if let (Some(if_etag), Some(_)) = (stored, living) {
            return vec![Change::Replace { key, if_etag, doc }];
        }
        let ended = stored.map(|_| Change::Delete { key: key.clone() });
        let insert = Change::Insert {
            key,
            parent: store.id.clone(),
            facet: self.user_in(store).to_owned(),
            created_at: item.known.created_at,
            doc,
            aside: None,
        };
        ended.into_iter().chain([insert]).collect()
    }
}

fn check(body: &PutItem) -> Result<(), ApiError> {
    checks::metadata("tags", body.tags.as_ref())?;
    let refused = |code, message: String| Err(ApiError::invalid(message).code(code).param("value"));
    let value = body.value.get();
    if !value.starts_with('{') {
        return refused("invalid_type", "Invalid type for 'value': expected an object.".to_owned());
    }
    if value.len() > LARGEST_VALUE {
        let message = format!(
            "Invalid 'value': expected at most {LARGEST_VALUE} bytes of JSON, but got {} instead.",
            value.len()
        );
        return refused("invalid_value", message);
    }
    Ok(())
}
