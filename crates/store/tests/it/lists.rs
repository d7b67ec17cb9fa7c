//! Lists, their cursors, and how many there are.

use cupola_store::{Key, Listing, Order, Store, StoreError, Tally};

use crate::making::*;

async fn five(store: &dyn Store) {
    commit(store, ["1", "2", "3", "4", "5"].map(|id| insert(&note(id), "b", "", "")).to_vec()).await;
}

pub async fn lists_are_in_the_order_of_creation(store: &dyn Store) {
    commit(store, ["b", "c", "a"].map(|id| insert(&note(id), "b", "", "")).to_vec()).await;
    commit(store, vec![replace(&note("b"), 1, "changed")]).await;
    assert_eq!(ids(store, notes("b")).await.unwrap().0, ["b", "c", "a"]);
    let newest_first = Listing { order: Order::Desc, ..notes("b") };
    assert_eq!(ids(store, newest_first).await.unwrap().0, ["a", "c", "b"]);
}

pub async fn a_list_holds_one_kind_of_one_parent_in_one_project(store: &dyn Store) {
    let elsewhere = Key::new(&project("q"), NOTE, "4");
    let batch = vec![
        insert(&note("1"), "b", "", ""),
        insert(&note("2"), "c", "", ""),
        insert(&book("3"), "b", "", ""),
        insert(&elsewhere, "b", "", ""),
        insert(&note("5"), "", "", ""),
    ];
    commit(store, batch).await;
    assert_eq!(ids(store, notes("b")).await.unwrap(), (vec!["1".to_owned()], false));
    assert_eq!(ids(store, notes("")).await.unwrap(), (vec!["5".to_owned()], false));
    assert_eq!(ids(store, notes("none")).await.unwrap(), (vec![], false));
}

pub async fn a_facet_filters(store: &dyn Store) {
    let batch = [("1", "x"), ("2", "y"), ("3", "x"), ("4", "")];
    commit(store, batch.map(|(id, facet)| insert(&note(id), "b", facet, "")).to_vec()).await;
    let of = |facet| Listing { facet: Some(facet), ..notes("b") };
    assert_eq!(ids(store, of("x")).await.unwrap().0, ["1", "3"]);
    assert_eq!(ids(store, Listing { order: Order::Desc, ..of("x") }).await.unwrap().0, ["3", "1"]);
    assert_eq!(ids(store, Listing { after: Some("2"), ..of("x") }).await.unwrap().0, ["3"]);
    assert_eq!(ids(store, of("z")).await.unwrap().0, Vec::<String>::new());
}

pub async fn pages_go_on_after_and_before_a_cursor(store: &dyn Store) {
    five(store).await;
    let (asc, desc) = (Order::Asc, Order::Desc);
    let cases = [
        (asc, None, None, "12", true),
        (asc, Some("2"), None, "34", true),
        (asc, Some("3"), None, "45", false),
        (asc, Some("5"), None, "", false),
        (desc, None, None, "54", true),
        (desc, Some("4"), None, "32", true),
        (desc, Some("1"), None, "", false),
        (asc, None, Some("4"), "23", true),
        (asc, None, Some("3"), "12", false),
        (asc, None, Some("1"), "", false),
        (desc, None, Some("2"), "43", true),
        (desc, None, Some("3"), "54", false),
        (asc, Some("1"), Some("4"), "23", false),
        (asc, Some("1"), Some("5"), "23", true),
        (desc, Some("5"), Some("2"), "43", false),
        (asc, Some("4"), Some("2"), "", false),
    ];
    for (order, after, before, expected, has_more) in cases {
        let listing = Listing { order, after, before, limit: 2, ..notes("b") };
        let (found, more) = ids(store, listing).await.unwrap();
        assert_eq!((found.concat().as_str(), more), (expected, has_more), "{order:?} {after:?} {before:?}");
    }
}

pub async fn paging_through_in_either_direction_finds_everything_once(store: &dyn Store) {
    let all: Vec<String> = (0..57).map(|n| format!("{n:02}")).collect();
    commit(store, all.iter().map(|id| insert(&note(id), "b", "", "")).collect()).await;
    for limit in [1, 2, 7, 56, 57, 58, 200] {
        for order in [Order::Asc, Order::Desc] {
            let mut found = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let listing = Listing { order, limit, after: cursor.as_deref(), ..notes("b") };
                let (page, has_more) = ids(store, listing).await.unwrap();
                cursor = page.last().cloned();
                found.extend(page);
                if !has_more {
                    break;
                }
            }
            if order == Order::Desc {
                found.reverse();
            }
            assert_eq!(found, all, "{limit} {order:?}");
        }
    }
}

pub async fn the_id_of_a_deleted_resource_still_works(store: &dyn Store) {
    five(store).await;
    commit(store, vec![delete(&note("3"))]).await;
    assert_eq!(ids(store, Listing { after: Some("3"), ..notes("b") }).await.unwrap().0, ["4", "5"]);
    assert_eq!(ids(store, Listing { before: Some("3"), ..notes("b") }).await.unwrap().0, ["1", "2"]);
}

pub async fn a_cursor_that_never_existed_is_refused(store: &dyn Store) {
    five(store).await;
    for listing in [
        Listing { after: Some("none"), ..notes("b") },
        Listing { before: Some("none"), ..notes("b") },
        Listing { after: Some("1"), before: Some("none"), ..notes("b") },
        Listing { project: "q", after: Some("1"), ..notes("b") },
    ] {
        let refused = store.list(listing).await;
        assert!(matches!(refused, Err(StoreError::UnknownCursor(_))), "{refused:?}");
    }
}

pub async fn a_long_list_comes_whole(store: &dyn Store) {
    let all: Vec<String> = (0..3_000).map(|n| format!("{n:04}")).collect();
    commit(store, all.iter().map(|id| insert(&note(id), "b", "f", "")).collect()).await;
    let whole = Listing { limit: usize::MAX, facet: Some("f"), ..notes("b") };
    assert_eq!(ids(store, whole).await.unwrap(), (all, false));
}

pub async fn a_facet_can_change(store: &dyn Store) {
    commit(store, vec![insert(&note("1"), "b", "new", "doc"), insert(&note("2"), "b", "new", "")]).await;
    commit(store, vec![refile(&note("1"), "old", 0)]).await;
    let of = async |facet| ids(store, Listing { facet: Some(facet), ..notes("b") }).await.unwrap().0;
    assert_eq!((of("new").await, of("old").await), (vec!["2".to_owned()], vec!["1".to_owned()]));
    let refiled = store.get(&note("1")).await.unwrap().unwrap();
    assert_eq!((&refiled.doc[..], refiled.etag, refiled.facet.as_str()), (&b"doc"[..], 1, "old"));
}

pub async fn resources_are_counted_and_weighed_by_their_facets(store: &dyn Store) {
    let plain = [("1", "b", "x"), ("2", "b", "x"), ("3", "b", "y"), ("4", "b", ""), ("5", "c", "x")];
    let inserts = plain.map(|(id, parent, facet)| insert(&note(id), parent, facet, ""));
    let elsewhere = Key::new(&project("q"), NOTE, "1");
    commit(store, inserts.into()).await;
    commit(store, vec![insert(&book("1"), "b", "x", ""), insert(&elsewhere, "b", "x", "")]).await;
    let tally = |facet: &str, count, weight| Tally { facet: facet.to_owned(), count, weight };
    assert_eq!(store.tally("p", NOTE, "b").await.unwrap(), [tally("x", 2, 0), tally("y", 1, 0)]);
    commit(store, vec![refile(&note("1"), "x", 5), refile(&note("2"), "x", 7)]).await;
    commit(store, vec![refile(&note("3"), "", 9), refile(&note("4"), "z", 1)]).await;
    assert_eq!(store.tally("p", NOTE, "b").await.unwrap(), [tally("x", 2, 12), tally("z", 1, 1)]);
    commit(store, vec![delete(&note("1"))]).await;
    assert_eq!(store.tally("p", NOTE, "b").await.unwrap(), [tally("x", 1, 7), tally("z", 1, 1)]);
    assert_eq!(store.tally("p", NOTE, "nowhere").await.unwrap(), []);
}
