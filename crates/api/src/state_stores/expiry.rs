//! Items whose time is over. For clients they are gone at once; the store is cleared of them by and by.

use std::sync::Arc;

use cupola_store::{Change, Key, Listing, Order};

use super::{
    address::ITEM,
    record::{Item, NEVER, Store, read},
};
use crate::{ApiError, Service};

/// How many items a write takes away: more than it adds, so that what has ended does not pile up.
const AT_ONCE: usize = 2;

/// When an item that is written now ends.
pub fn end_of(store: &Store, now: i64) -> Option<i64> {
    (store.item_ttl_seconds != NEVER).then(|| now.saturating_add(store.item_ttl_seconds))
}

/// The changes that take away the oldest items of a store whose time is over, but for the one that is being
/// written.
pub async fn clearing(
    service: &Service,
    project: &Arc<str>,
    store: &Store,
    written: &Key,
    now: i64,
) -> Result<Vec<Change>, ApiError> {
    if store.item_ttl_seconds == NEVER {
        return Ok(Vec::new());
    }
    let oldest = Listing {
        project,
        kind: ITEM,
        parent: &store.id,
        facet: None,
        order: Order::Asc,
        after: None,
        before: None,
        limit: AT_ONCE,
    };
    let mut changes = Vec::new();
    for stored in service.store().list(oldest).await?.items {
        if stored.id != written.id && read::<Item>(&stored)?.has_expired(now) {
            changes.push(Change::Delete { key: Key::new(project, ITEM, stored.id) });
        }
    }
    Ok(changes)
}
