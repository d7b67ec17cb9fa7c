//! What is particular about SQLite: its file, its schema, and its readers.

use cupola_store::{Durability, Resources, SqliteStore, StoreError, Turns};

use crate::making::*;

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store.db");
    let store = SqliteStore::open(&path, Durability::Full).unwrap();
    commit(&store, vec![insert(&note("a"), "", "", "text"), open_turn("t"), claim("c", "me")]).await;
    drop(store);
    let store = SqliteStore::open(&path, Durability::Full).unwrap();
    assert_eq!(doc(&store, &note("a")).await.as_deref(), Some("text"));
    assert_eq!(store.running_turns().await.unwrap(), [turn("t")]);
    assert!(cupola_store::Commits::submit(&store, vec![claim("c", "you")]).await.is_err());
}

#[tokio::test]
async fn closing_finishes_what_is_on_its_way() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store.db");
    let store = SqliteStore::open(&path, Durability::Normal).unwrap();
    for number in 0..1_000 {
        let change = insert(&note(&number.to_string()), "", "", "");
        drop(cupola_store::Commits::submit(&store, vec![change]));
    }
    drop(store);
    let store = SqliteStore::open(&path, Durability::Normal).unwrap();
    assert!(doc(&store, &note("999")).await.is_some());
}

#[test]
fn the_data_of_a_newer_version_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store.db");
    drop(SqliteStore::open(&path, Durability::Normal).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 4_711).unwrap();
    let refused = SqliteStore::open(&path, Durability::Normal).unwrap_err();
    assert!(matches!(refused, StoreError::SchemaTooNew { found: 4_711, .. }), "{refused:?}");
    assert!(refused.to_string().contains("newer version"), "{refused}");
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 4_711);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store.db");
    std::fs::write(&path, "this is a letter to my grandmother, and long enough to be read".repeat(100))
        .unwrap();
    assert!(matches!(SqliteStore::open(&path, Durability::Normal), Err(StoreError::Backend(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_see_half_a_batch() {
    let (store, _home) = sqlite();
    let store = std::sync::Arc::new(store);
    let writer = std::sync::Arc::clone(&store);
    let writing = tokio::spawn(async move {
        for number in 0..300 {
            let pair = ["x", "y"].map(|side| insert(&note(&format!("{side}{number}")), "b", "", ""));
            commit(&*writer, pair.to_vec()).await;
        }
    });
    while !writing.is_finished() {
        let slice = store.list(cupola_store::Listing { limit: 1_000, ..notes("b") }).await.unwrap();
        assert_eq!(slice.items.len() % 2, 0, "both of a pair or none");
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}
