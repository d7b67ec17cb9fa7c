//! Resources: insert, replace, delete, and the conditions of each.

use bytes::Bytes;
use cupola_store::{Change, Conflict, Key, Resource, Store, StoreError, TurnPhase};

use crate::making::*;

pub async fn a_resource_is_read_as_it_was_written(store: &dyn Store) {
    assert_eq!(store.get(&note("a")).await.unwrap(), None);
    commit(store, vec![insert(&note("a"), "parent", "facet", "text")]).await;
    let found = store.get(&note("a")).await.unwrap().unwrap();
    let expected = Resource {
        id: "a".to_owned(),
        parent: "parent".to_owned(),
        facet: "facet".to_owned(),
        seq: found.seq,
        created_at: 7,
        etag: 1,
        doc: Bytes::from_static(b"text"),
    };
    assert_eq!(found, expected);
}

pub async fn what_is_put_aside_stays_with_its_resource(store: &dyn Store) {
    let mut with_aside = insert(&note("a"), "", "", "shown");
    if let Change::Insert { aside, .. } = &mut with_aside {
        *aside = Some(Bytes::from_static(b"not shown"));
    }
    commit(store, vec![with_aside, insert(&note("b"), "", "", "alone")]).await;
    commit(store, vec![replace(&note("a"), 1, "shown anew")]).await;
    assert_eq!(store.aside(&note("a")).await.unwrap().as_deref(), Some(&b"not shown"[..]));
    assert_eq!(store.aside(&note("b")).await.unwrap(), None);
    commit(store, vec![delete(&note("a"))]).await;
    assert_eq!(store.aside(&note("a")).await.unwrap(), None);
}

pub async fn an_id_is_unique_within_project_and_kind_alone(store: &dyn Store) {
    let elsewhere = Key::new(&project("q"), NOTE, "a");
    commit(store, vec![insert(&note("a"), "", "", "1")]).await;
    commit(store, vec![insert(&book("a"), "", "", "2"), insert(&elsewhere, "", "", "3")]).await;
    let refused = store.submit(vec![insert(&note("a"), "", "", "4")]).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Exists(note("a")))));
    assert_eq!(doc(store, &note("a")).await.as_deref(), Some("1"));
    assert_eq!(doc(store, &book("a")).await.as_deref(), Some("2"));
    assert_eq!(doc(store, &elsewhere).await.as_deref(), Some("3"));
}

pub async fn a_replacement_needs_the_etag_that_was_read(store: &dyn Store) {
    commit(store, vec![insert(&note("a"), "p1", "f1", "1")]).await;
    let before = store.get(&note("a")).await.unwrap().unwrap();
    commit(store, vec![replace(&note("a"), 1, "2")]).await;
    for stale in [0, 1, 3] {
        let refused = store.submit(vec![replace(&note("a"), stale, "3")]).await;
        assert_eq!(refused, Err(StoreError::Conflict(Conflict::Changed(note("a")))));
    }
    let after = store.get(&note("a")).await.unwrap().unwrap();
    assert_eq!(after, Resource { etag: 2, doc: Bytes::from_static(b"2"), ..before });
}

pub async fn a_resource_is_deleted_with_all_that_belongs_to_it(store: &dyn Store) {
    let tree = vec![
        insert(&book("b"), "", "", ""),
        insert(&note("b1"), "b", "", ""),
        insert(&note("b2"), "b", "", ""),
        insert(&remark("b1x"), "b1", "", ""),
        insert(&remark("b1y"), "b1", "", ""),
        insert(&book("other"), "", "", ""),
        insert(&note("other1"), "other", "", ""),
    ];
    commit(store, tree).await;
    commit(store, vec![delete(&book("b"))]).await;
    for gone in [book("b"), note("b1"), note("b2"), remark("b1x"), remark("b1y")] {
        assert_eq!(doc(store, &gone).await, None, "{gone}");
    }
    for kept in [book("other"), note("other1")] {
        assert!(doc(store, &kept).await.is_some(), "{kept}");
    }
    // The same ids may be had again.
    commit(store, vec![insert(&book("b"), "", "", "new")]).await;
    assert_eq!(ids(store, notes("b")).await.unwrap(), (vec![], false));
}

pub async fn deleting_takes_turns_and_journals_along(store: &dyn Store) {
    let tree = vec![
        insert(&book("b"), "", "", ""),
        insert(&note("run"), "b", "", ""),
        open_turn("run"),
        append("run", 0, TurnPhase::Running),
        open_turn("other"),
    ];
    commit(store, tree).await;
    commit(store, vec![delete(&book("b"))]).await;
    assert_eq!(store.turn(&turn("run")).await.unwrap(), None);
    assert_eq!(store.running_turns().await.unwrap(), [turn("other")]);
    let refused = store.submit(vec![append("run", 1, TurnPhase::Running)]).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Journal(turn("run")))));
    // Opened anew, it has nothing of the old journal.
    commit(store, vec![open_turn("run")]).await;
    assert_eq!(store.turn(&turn("run")).await.unwrap().unwrap().journal, []);
}

pub async fn what_belongs_to_another_kind_stays(store: &dyn Store) {
    let library = vec![
        insert(&book("same"), "", "", ""),
        insert(&note("same"), "same", "", ""),
        insert(&remark("same"), "same", "", ""),
        insert(&note("other"), "same", "", ""),
        open_turn("same"),
    ];
    commit(store, library).await;
    // Nothing belongs to a remark, and no turn either.
    commit(store, vec![delete(&remark("same"))]).await;
    assert_eq!(ids(store, notes("same")).await.unwrap().0, ["same", "other"]);
    assert!(store.turn(&turn("same")).await.unwrap().is_some());
    // To a note belong remarks, and not the notes of a book that is called as it is.
    commit(store, vec![insert(&remark("again"), "same", "", "")]).await;
    commit(store, vec![delete(&note("same"))]).await;
    assert_eq!(ids(store, notes("same")).await.unwrap().0, ["other"]);
    assert_eq!(doc(store, &remark("again")).await, None);
    assert_eq!(store.turn(&turn("same")).await.unwrap(), None);
    // To a book belong notes, and not the remarks on a note that is called as it is.
    commit(store, vec![insert(&remark("orphan"), "same", "", ""), delete(&book("same"))]).await;
    assert_eq!(doc(store, &note("other")).await, None);
    assert!(doc(store, &remark("orphan")).await.is_some());
}

pub async fn deleting_stops_at_the_border_of_the_project(store: &dyn Store) {
    let elsewhere = Key::new(&project("q"), NOTE, "child");
    commit(store, vec![insert(&book("b"), "", "", ""), insert(&elsewhere, "b", "", "")]).await;
    commit(store, vec![delete(&book("b"))]).await;
    assert!(doc(store, &elsewhere).await.is_some());
}

pub async fn a_missing_resource_can_not_be_changed(store: &dyn Store) {
    for change in [replace(&note("a"), 1, "x"), refile(&note("a"), "f", 1), delete(&note("a"))] {
        let refused = store.submit(vec![change]).await;
        assert_eq!(refused, Err(StoreError::Conflict(Conflict::Missing(note("a")))));
    }
}

pub async fn presence_can_be_required(store: &dyn Store) {
    let require = || Change::RequirePresent { key: note("a") };
    let refused = store.submit(vec![require(), insert(&note("b"), "", "", "")]).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Missing(note("a")))));
    assert_eq!(doc(store, &note("b")).await, None);
    commit(store, vec![insert(&note("a"), "", "", "")]).await;
    commit(store, vec![require(), insert(&note("b"), "", "", "")]).await;
}

pub async fn a_limit_of_children_is_kept(store: &dyn Store) {
    let parent = Key::new(&project("p"), NOTE, "b");
    let require = |limit| Change::RequireFewer { parent: parent.clone(), limit };
    commit(store, vec![require(1), insert(&note("1"), "b", "", "")]).await;
    // Children of another kind, parent or project do not count.
    let elsewhere = Key::new(&project("q"), NOTE, "2");
    commit(store, vec![insert(&book("2"), "b", "", ""), insert(&note("3"), "c", "", "")]).await;
    commit(store, vec![insert(&elsewhere, "b", "", "")]).await;
    commit(store, vec![require(2), insert(&note("4"), "b", "", "")]).await;
    let refused = store.submit(vec![require(2), insert(&note("5"), "b", "", "")]).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Full(parent.clone()))));
    let refused = store.submit(vec![require(0)]).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Full(parent))));
}

pub async fn bytes_of_any_kind_are_kept(store: &dyn Store) {
    let odd = Bytes::from_static(b"\0\xff'\"; DROP TABLE resources; --\n");
    let key = note("naïve '\"\n\u{1F980}");
    let change = Change::Insert {
        key: key.clone(),
        parent: "p'".to_owned(),
        facet: "f\"".to_owned(),
        created_at: i64::MIN,
        doc: odd.clone(),
        aside: None,
    };
    commit(store, vec![change]).await;
    let found = store.get(&key).await.unwrap().unwrap();
    assert_eq!((found.doc, found.created_at), (odd, i64::MIN));
    assert_eq!(ids(store, notes("p'")).await.unwrap().0, [key.id]);
    let large = "x".repeat(20 * 1024 * 1024);
    commit(store, vec![insert(&note("large"), "", "", &large)]).await;
    assert!(doc(store, &note("large")).await.unwrap() == large);
}
