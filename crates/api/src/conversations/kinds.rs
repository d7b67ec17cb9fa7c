//! Where conversations and items are found, and the errors for those that are not there.

use std::sync::Arc;

use cupola_store::{Change, Key, Kind, Resource};
use serde_json::Value;

use super::agents::PARTICIPANT;
use crate::{ApiError, Service, a2a, body::document, items::Item};

/// A conversation.
pub const CONVERSATION: Kind = Kind::named("conversation").owning(&[ITEM, PARTICIPANT, a2a::NAMED]);
/// An item; its parent is what it belongs to, its facet its type.
pub const ITEM: Kind = Kind::named("item");

const PREFIX: &str = "conv_";

/// The key of a conversation.
pub fn conversation_key(project: &Arc<str>, id: &str) -> Key {
    Key::new(project, CONVERSATION, id)
}

/// Refuses an id that can't be a conversation's. `param` is where it stands in the request.
pub fn check_id(param: &str, id: &str) -> Result<(), ApiError> {
    if id.starts_with(PREFIX) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("Invalid '{param}': '{id}'. Expected an ID that begins with '{PREFIX}'."))
        .code("invalid_value")
        .param(param))
}

/// 404 for a conversation.
pub fn no_conversation(id: &str) -> ApiError {
    ApiError::missing("Conversation", id)
}

/// 404 for an item.
pub fn no_item(id: &str) -> ApiError {
    ApiError::missing("Item", id)
}

/// A conversation, or what is wrong with its id. `param` is where the id stands in the request.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    param: &str,
    id: &str,
) -> Result<Resource, ApiError> {
    check_id(param, id)?;
    service.store().get(&conversation_key(project, id)).await?.ok_or_else(|| no_conversation(id))
}

/// The change that adds an item to a conversation, or to whatever else has items.
pub fn insert_item(project: &Arc<str>, parent: &str, item: &Item, created_at: i64) -> Change {
    let text = |field: &str| item.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    Change::Insert {
        key: Key::new(project, ITEM, text("id")),
        parent: parent.to_owned(),
        facet: text("type"),
        created_at,
        doc: document(item),
        aside: None,
    }
}

/// Puts stored items in the place of references to them. Each is given a new id with `rename`, because it
/// now stands in a second place. `param` is where the items stand in the body.
pub async fn resolve_references(
    service: &Service,
    project: &Arc<str>,
    param: &str,
    items: &mut [Item],
    rename: impl Fn(&str) -> String,
) -> Result<(), ApiError> {
    for (index, item) in items.iter_mut().enumerate() {
        if item.get("type").and_then(Value::as_str) != Some("item_reference") {
            continue;
        }
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
        let key = Key::new(project, ITEM, id);
        let Some(stored) = service.store().get(&key).await? else {
            return Err(no_item(id).param(format!("{param}[{index}].id")));
        };
        let mut found: Item = serde_json::from_slice(&stored.doc)
            .map_err(|error| ApiError::internal(&format!("reading {key}"), error))?;
        found.insert("id".to_owned(), Value::String(rename(&stored.facet)));
        *item = found;
    }
    Ok(())
}
