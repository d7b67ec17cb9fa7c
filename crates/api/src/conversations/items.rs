//! The items of a conversation: create, list, get, delete.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_store::{Batch, Change, Conflict, Key, Listing, Resource, Slice, StoreError};
use cupola_wire::conversations::CreateItems;
use serde_json::Value;

use super::kinds::{
    ITEM, check_id, conversation_key, find, insert_item, no_conversation, no_item, resolve_references,
};
use crate::{
    ApiError, Service, attachments,
    body::{Json, document, json},
    classic::checks,
    items::{Include, Item, compaction, normalise, prefix},
    listing::{ListQuery, page},
    partition::Partition,
    path::{Ids, Project},
    values::Parameters,
};

/// How many items one request may bring.
const MAX_ITEMS: usize = 20;
/// What the id of the conversation is called in errors.
const PARAM: &str = "conversation_id";

/// `POST /conversations/{conversation}/items`
pub async fn create_items(
    State(service): State<Service>,
    Project(project): Project,
    Ids([conversation]): Ids<1>,
    parameters: Parameters,
    Json(body): Json<CreateItems>,
) -> Result<Response, ApiError> {
    check_id(PARAM, &conversation)?;
    let partition = Partition::of(&conversation).unwrap_or_default();
    let (items, added) = prepare(&service, &project, &conversation, body.items, &partition).await?;
    let mut changes = vec![Change::RequirePresent { key: conversation_key(&project, &conversation) }];
    changes.extend(added);
    match service.store().commit(changes).await {
        Ok(()) => {}
        Err(StoreError::Conflict(Conflict::Missing(_))) => return Err(no_conversation(&conversation)),
        Err(error) => return Err(error.into()),
    }
    Ok(page(&slice_of(items, &Include::from_query(&parameters))))
}

/// New items, and the changes that make them.
pub(super) async fn prepare(
    service: &Service,
    project: &Arc<str>,
    conversation: &str,
    sent: Vec<Value>,
    partition: &Partition,
) -> Result<(Vec<Item>, Batch), ApiError> {
    checks::count("items", sent.len(), MAX_ITEMS)?;
    let mut items = normalise("items", &Value::Array(sent), partition)?;
    compaction::check(service.sealing(), project, "items", &items)?;
    attachments::check(service.store(), project, "items", &items).await?;
    let rename = |kind: &str| partition.id(prefix(kind));
    resolve_references(service, project, "items", &mut items, rename).await?;
    let now = service.clock().seconds();
    let changes = items.iter().map(|item| insert_item(project, conversation, item, now)).collect();
    Ok((items, changes))
}

/// A page of all of these items.
fn slice_of(items: Vec<Item>, include: &Include) -> Slice {
    let as_resource = |mut item: Item| {
        include.apply(&mut item);
        Resource {
            id: item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
            parent: String::new(),
            facet: String::new(),
            seq: 0,
            created_at: 0,
            etag: 1,
            doc: document(&item),
        }
    };
    Slice { items: items.into_iter().map(as_resource).collect(), has_more: false }
}

/// `GET /conversations/{conversation}/items`
pub async fn list_items(
    State(service): State<Service>,
    Project(project): Project,
    Ids([conversation]): Ids<1>,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    check_id(PARAM, &conversation)?;
    let listing = Listing { facet: parameters.get("item_type"), ..query.of(&project, ITEM, &conversation) };
    let mut slice = service.store().list(listing).await?;
    if slice.items.is_empty() {
        find(&service, &project, PARAM, &conversation).await?;
    }
    let include = Include::from_query(&parameters);
    for stored in &mut slice.items {
        show(stored, &include)?;
    }
    Ok(page(&slice))
}

/// `GET /conversations/{conversation}/items/{item}`
pub async fn get_item(
    State(service): State<Service>,
    Project(project): Project,
    Ids([conversation, item]): Ids<2>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (_, mut stored) = find_item(&service, &project, &conversation, &item).await?;
    show(&mut stored, &Include::from_query(&parameters))?;
    Ok(json(stored.doc))
}

/// `DELETE /conversations/{conversation}/items/{item}`: answers with the conversation.
pub async fn delete_item(
    State(service): State<Service>,
    Project(project): Project,
    Ids([conversation, item]): Ids<2>,
) -> Result<Response, ApiError> {
    let (conversation, stored) = find_item(&service, &project, &conversation, &item).await?;
    let change = Change::Delete { key: Key::new(&project, ITEM, stored.id) };
    match service.store().commit(vec![change]).await {
        Ok(()) => Ok(json(conversation.doc)),
        Err(StoreError::Conflict(_)) => Err(no_item(&item)),
        Err(error) => Err(error.into()),
    }
}

/// A conversation and an item of it, or the 404 of whichever is not there.
async fn find_item(
    service: &Service,
    project: &Arc<str>,
    conversation: &str,
    item: &str,
) -> Result<(Resource, Resource), ApiError> {
    let conversation = find(service, project, PARAM, conversation).await?;
    match service.store().get(&Key::new(project, ITEM, item)).await? {
        Some(stored) if stored.parent == conversation.id => Ok((conversation, stored)),
        _ => Err(no_item(item)),
    }
}

/// Leaves out of a stored item what was not asked for. Most types have nothing to leave out.
fn show(stored: &mut Resource, include: &Include) -> Result<(), ApiError> {
    if !Include::concerns(&stored.facet) {
        return Ok(());
    }
    let mut item: Item = serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the item {}", stored.id), error))?;
    include.apply(&mut item);
    stored.doc = document(&item);
    Ok(())
}
