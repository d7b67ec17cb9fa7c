//! `storage/items/batch/retrieve`: items by their ids.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, response::Response};
use bytes::Bytes;
use cupola_store::{Key, Resource};
use serde::Deserialize;

use super::{Requester, is_visible};
use crate::{
    ApiError, Service,
    body::{Json, json},
    conversations::ITEM,
    path::Project,
};

/// Which items.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    item_ids: Vec<String>,
}

/// `POST storage/items/batch/retrieve`: an array with the items in the order of their ids, and null for
/// those that are not there.
pub async fn batch_retrieve(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    Json(Wanted { item_ids }): Json<Wanted>,
) -> Result<Response, ApiError> {
    let mut sight =
        Sight { service: &service, project: &project, requester: &requester, seen: HashMap::new() };
    let mut array = Vec::from(*b"[");
    for (index, id) in item_ids.iter().enumerate() {
        if index > 0 {
            array.push(b',');
        }
        let item = sight.item(id).await?;
        array.extend_from_slice(item.as_deref().unwrap_or(b"null"));
    }
    array.push(b']');
    Ok(json(array))
}

/// What one requester may see, by what the items belong to.
struct Sight<'s> {
    service: &'s Service,
    project: &'s Arc<str>,
    requester: &'s Requester,
    seen: HashMap<String, bool>,
}

impl Sight<'_> {
    async fn item(&mut self, id: &str) -> Result<Option<Bytes>, ApiError> {
        let stored = self.service.store().get(&Key::new(self.project, ITEM, id)).await?;
        let Some(Resource { parent, doc, .. }) = stored else { return Ok(None) };
        let is_visible = match self.seen.get(&parent) {
            Some(is_visible) => *is_visible,
            None => is_visible(self.service, self.project, self.requester, &parent).await?,
        };
        self.seen.insert(parent, is_visible);
        Ok(is_visible.then_some(doc))
    }
}
