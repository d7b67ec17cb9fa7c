//! Lists of which only some objects are wanted, by something that the store has no index for.

use cupola_store::{Listing, Resource, Slice};
use futures_util::future::BoxFuture;

use crate::{ApiError, Service};

/// How many are looked at in one go.
const BATCH: usize = 100;

/// A part of a list, of those that are wanted: reads on until it is full or there are no more.
pub async fn list<'w>(
    service: &Service,
    listing: Listing<'_>,
    wanted: impl Fn(&Resource) -> BoxFuture<'w, Result<bool, ApiError>>,
) -> Result<Slice, ApiError> {
    let backwards = listing.before.is_some() && listing.after.is_none();
    // One more than asked for tells whether there are more.
    let enough = listing.limit + 1;
    let mut found: Vec<Resource> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut part = listing.clone();
        // Often all are wanted: then the first go is enough, and no larger than it has to be.
        part.limit = if cursor.is_none() { enough } else { BATCH };
        match (&cursor, backwards) {
            (None, _) => {}
            (Some(id), false) => part.after = Some(id),
            (Some(id), true) => part.before = Some(id),
        }
        let slice = service.store().list(part).await?;
        let mut items = slice.items;
        // Always away from the cursor.
        if backwards {
            items.reverse();
        }
        cursor = items.last().map(|last| last.id.clone());
        for resource in items {
            if wanted(&resource).await? {
                found.push(resource);
            }
            if found.len() == enough {
                break;
            }
        }
        if found.len() == enough || !slice.has_more {
            break;
        }
    }
    let has_more = found.len() == enough;
    found.truncate(listing.limit);
    if backwards {
        found.reverse();
    }
    Ok(Slice { items: found, has_more })
}
