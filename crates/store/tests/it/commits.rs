//! Batches: whole or not at all, in order, and apart from each other.

use bytes::Bytes;
use cupola_store::{Conflict, Key, Store, StoreError};

use crate::making::*;

pub async fn a_batch_is_committed_as_a_whole_or_not_at_all(store: &dyn Store) {
    commit(store, vec![insert(&note("old"), "", "", "1")]).await;
    let batch = vec![
        insert(&note("new"), "", "", ""),
        replace(&note("old"), 1, "2"),
        delete(&note("old")),
        claim("c", "me"),
        open_turn("t"),
        insert(&note("new"), "", "", ""),
    ];
    let refused = store.submit(batch).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Exists(note("new")))));
    assert_eq!(doc(store, &note("new")).await, None);
    assert_eq!(doc(store, &note("old")).await.as_deref(), Some("1"));
    assert_eq!(store.turn(&turn("t")).await.unwrap(), None);
    commit(store, vec![claim("c", "somebody else")]).await;
}

pub async fn changes_of_a_batch_see_those_before_them(store: &dyn Store) {
    let batch = vec![
        insert(&note("a"), "", "", "1"),
        replace(&note("a"), 1, "2"),
        replace(&note("a"), 2, "3"),
        insert(&note("b"), "", "", ""),
        delete(&note("b")),
        insert(&note("b"), "", "", "again"),
    ];
    commit(store, batch).await;
    assert_eq!(doc(store, &note("a")).await.as_deref(), Some("3"));
    assert_eq!(doc(store, &note("b")).await.as_deref(), Some("again"));
}

pub async fn a_conflict_takes_nothing_of_other_batches_back(store: &dyn Store) {
    commit(store, vec![insert(&note("taken"), "", "", "")]).await;
    // Handed over without waiting, they share commits.
    let commits: Vec<_> = (0..500)
        .map(|number| {
            let own = insert(&note(&format!("n{number}")), "", "", "");
            let batch = match number % 3 {
                0 => vec![own, insert(&note("taken"), "", "", "")],
                _ => vec![own],
            };
            (number, store.submit(batch))
        })
        .collect();
    for (number, commit) in commits {
        let refused = number % 3 == 0;
        assert_eq!(commit.await.is_err(), refused, "{number}");
        assert_eq!(doc(store, &note(&format!("n{number}"))).await.is_none(), refused, "{number}");
    }
}

pub async fn batches_are_committed_in_the_order_in_which_they_were_handed_over(store: &dyn Store) {
    drop(store.submit(vec![insert(&note("a"), "", "", "0")]));
    let commits: Vec<_> =
        (1..=300).map(|n| store.submit(vec![replace(&note("a"), n, &n.to_string())])).collect();
    for commit in commits {
        commit.await.unwrap();
    }
    assert_eq!(doc(store, &note("a")).await.as_deref(), Some("300"));
    drop(store.submit((0..50).map(|n| insert(&note(&format!("m{n:02}")), "list", "", "")).collect()));
    commit(store, (50..99).map(|n| insert(&note(&format!("m{n:02}")), "list", "", "")).collect()).await;
    let expected: Vec<String> = (0..99).map(|n| format!("m{n:02}")).collect();
    assert_eq!(ids(store, notes("list")).await.unwrap().0, expected);
}

pub async fn what_is_committed_at_once_comes_after_what_was_handed_over(store: &dyn Store) {
    commit(store, vec![insert(&note("a"), "", "", "1")]).await;
    for round in 0..50 {
        let etag = 1 + 3 * round;
        drop(store.submit(vec![replace(&note("a"), etag, "handed over")]));
        drop(store.submit(vec![replace(&note("a"), etag + 1, "handed over")]));
        store.commit(vec![replace(&note("a"), etag + 2, &round.to_string())]).await.unwrap();
        assert_eq!(doc(store, &note("a")).await, Some(round.to_string()));
    }
}

pub async fn a_conflict_takes_back_what_is_committed_at_once(store: &dyn Store) {
    store.commit(vec![insert(&note("taken"), "", "", "")]).await.unwrap();
    let refused =
        store.commit(vec![insert(&note("new"), "", "", ""), insert(&note("taken"), "", "", "")]).await;
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Exists(note("taken")))));
    assert_eq!(doc(store, &note("new")).await, None);
    store.commit(vec![insert(&note("new"), "", "", "")]).await.unwrap();
    assert!(doc(store, &note("new")).await.is_some());
}

pub async fn dropping_a_commit_does_not_take_it_back(store: &dyn Store) {
    drop(store.submit(vec![insert(&note("a"), "", "", "")]));
    // Whatever is handed over later is committed later.
    commit(store, vec![]).await;
    assert!(doc(store, &note("a")).await.is_some());
}

pub async fn of_many_replacements_at_once_one_wins(store: &dyn Store) {
    commit(store, vec![insert(&note("a"), "", "", "")]).await;
    let attempts: Vec<_> =
        (0..50).map(|n| (n, store.submit(vec![replace(&note("a"), 1, &n.to_string())]))).collect();
    let mut won = Vec::new();
    for (number, attempt) in attempts {
        match attempt.await {
            Ok(()) => won.push(number.to_string()),
            refused => assert_eq!(refused, Err(StoreError::Conflict(Conflict::Changed(note("a"))))),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(doc(store, &note("a")).await.as_ref(), won.first());
}

pub async fn a_conflict_says_what_was_in_the_way(store: &dyn Store) {
    let key = Key::new(&project("p"), NOTE, "a");
    let refused = store.submit(vec![replace(&key, 1, "")]).await.unwrap_err();
    assert_eq!(refused.to_string(), "p/note/a does not exist");
    commit(store, vec![insert(&key, "", "", ""), claim("c", "me")]).await;
    let refused = store.submit(vec![claim("c", "you")]).await.unwrap_err();
    assert_eq!(refused.to_string(), "c is held by me");
    let read = store.get(&key).await.unwrap().unwrap();
    assert_eq!(read.doc, Bytes::new());
}
