//! Claims: what at most one can have.

use cupola_store::{Change, Conflict, Store, StoreError};

use crate::making::*;

fn held_by(holder: &str) -> Result<(), StoreError> {
    Err(StoreError::Conflict(Conflict::Held { name: "c".to_owned(), holder: holder.to_owned() }))
}

fn release() -> Change {
    Change::Release { project: project("p"), name: "c".to_owned() }
}

fn require_free() -> Change {
    Change::RequireFree { project: project("p"), name: "c".to_owned() }
}

pub async fn a_claim_has_one_holder(store: &dyn Store) {
    commit(store, vec![claim("c", "me"), claim("other", "me")]).await;
    assert_eq!(store.submit(vec![claim("c", "you")]).await, held_by("me"));
    assert_eq!(store.submit(vec![claim("c", "me")]).await, held_by("me"));
}

pub async fn a_released_claim_can_be_had_again(store: &dyn Store) {
    // To release what nobody holds is no fault.
    commit(store, vec![release()]).await;
    commit(store, vec![claim("c", "me")]).await;
    commit(store, vec![release(), claim("c", "you")]).await;
    assert_eq!(store.submit(vec![claim("c", "me")]).await, held_by("you"));
}

pub async fn freedom_can_be_required(store: &dyn Store) {
    commit(store, vec![require_free(), insert(&note("1"), "", "", "")]).await;
    commit(store, vec![claim("c", "me")]).await;
    assert_eq!(store.submit(vec![require_free(), insert(&note("2"), "", "", "")]).await, held_by("me"));
    assert_eq!(doc(store, &note("2")).await, None);
    commit(store, vec![release()]).await;
    commit(store, vec![require_free(), insert(&note("2"), "", "", "")]).await;
}

pub async fn of_many_claims_at_once_one_is_granted(store: &dyn Store) {
    let attempts: Vec<_> =
        (0..100).map(|n| (n, store.submit(vec![claim("c", &format!("holder {n}"))]))).collect();
    let mut granted = Vec::new();
    for (number, attempt) in attempts {
        if attempt.await.is_ok() {
            granted.push(number);
        }
    }
    assert_eq!(granted, [0], "the first one that was handed over");
}

pub async fn claims_of_other_projects_are_other_claims(store: &dyn Store) {
    commit(store, vec![claim("c", "me")]).await;
    let elsewhere = |holder: &str| Change::Claim {
        project: project("q"),
        name: "c".to_owned(),
        holder: holder.to_owned(),
    };
    commit(store, vec![elsewhere("you")]).await;
    commit(store, vec![release()]).await;
    assert_eq!(store.submit(vec![elsewhere("me")]).await, held_by("you"));
}
