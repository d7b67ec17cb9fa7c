//! `GET state_stores/{store}/items:keys`: which items there are, without their values.

use axum::{extract::State, response::Response};
use cupola_store::Listing;
use cupola_wire::Metadata;
use futures_util::FutureExt;

use super::{
    address::{ITEM, decoded},
    items::ItemsOf,
    record::{Item, Store, read},
    stores::find,
};
use crate::{
    ApiError, Service,
    body::document,
    listing::{ListQuery, page},
    path::{Ids, Project},
    sieve,
    values::Parameters,
};

/// `GET state_stores/{store}/items:keys`: those with all of the tags that are asked for as `tags.NAME=VALUE`.
pub async fn list_keys(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    ItemsOf(requester, user): ItemsOf,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let store: Store = read(&find(&service, &project, &requester, &decoded(&store)?).await?)?;
    let wanted: Vec<(&str, &str)> = parameters.under("tags.").collect();
    let now = service.clock().seconds();
    let facet = store.user_isolation.then_some(user.as_str());
    let listing = Listing { facet, ..query.of(&project, ITEM, &store.id) };
    let mut slice = sieve::list(&service, listing, |stored| {
        let is_wanted =
            read::<Item>(stored).map(|item| !item.has_expired(now) && has_tags(item.tags.as_ref(), &wanted));
        async move { is_wanted }.boxed()
    })
    .await?;
    for stored in &mut slice.items {
        stored.doc = document(&read::<Item>(stored)?.shown_as_key());
    }
    Ok(page(&slice))
}

fn has_tags(tags: Option<&Metadata>, wanted: &[(&str, &str)]) -> bool {
    let value = |name: &str| tags.and_then(|tags| tags.get(name)).map(String::as_str);
    wanted.iter().all(|(name, wanted)| value(name) == Some(*wanted))
}
