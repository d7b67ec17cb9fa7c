//! Where the items of a stored response stand: in its conversation, or else in the response itself.

use std::{collections::HashSet, sync::Arc};

use cupola_store::{Batch, Key};
use serde_json::Value;

use super::ids;
use crate::{
    ApiError, Service, conversations,
    items::{Item, prefix},
    partition::Partition,
};

/// What items are added to.
pub struct Place<'p> {
    /// A conversation, or a response.
    pub parent: &'p str,
    /// Whether it is a conversation, which has to have every item itself.
    pub is_conversation: bool,
}

/// The changes that add items. What stands there already is left alone, so that nothing is added twice.
/// An item that stands elsewhere, or whose id can't be an item's, is added to a conversation as a copy under a
/// new id; in a response its id is enough.
pub async fn add(
    service: &Service,
    project: &Arc<str>,
    place: &Place<'_>,
    items: &[Item],
    now: i64,
) -> Result<Batch, ApiError> {
    let mut changes = Batch::new();
    let mut added = HashSet::new();
    for item in items {
        let id = text(item, "id");
        if !added.insert(id) {
            continue;
        }
        let stored = service.store().get(&Key::new(project, conversations::ITEM, id)).await?;
        let is_new = stored.is_none() && ids::may_be_item(id);
        let stands_elsewhere = stored.is_none_or(|stored| stored.parent != place.parent);
        if is_new {
            changes.push(conversations::insert_item(project, place.parent, item, now));
        } else if stands_elsewhere && place.is_conversation {
            let copy = renamed(item, place.parent);
            changes.push(conversations::insert_item(project, place.parent, &copy, now));
        }
    }
    Ok(changes)
}

fn renamed(item: &Item, conversation: &str) -> Item {
    let partition = Partition::of(conversation).unwrap_or_default();
    let mut copy = item.clone();
    copy.insert("id".to_owned(), Value::String(partition.id(prefix(text(item, "type")))));
    copy
}

fn text<'i>(item: &'i Item, field: &str) -> &'i str {
    item.get(field).and_then(Value::as_str).unwrap_or_default()
}
