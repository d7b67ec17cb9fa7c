//! Short ways to make what the tests are about.

use std::sync::Arc;

use bytes::Bytes;
use cupola_store::{
    Change, Durability, Key, Kind, Listing, Order, SqliteStore, Store, StoreError, TurnKey, TurnPhase,
};
use tempfile::TempDir;

pub const NOTE: Kind = Kind::named("note").owning(&[REMARK]).with_turns();
pub const REMARK: Kind = Kind::named("remark");
pub const BOOK: Kind = Kind::named("book").owning(&[NOTE]);

/// A new store in a file, and the directory that it lives in.
pub fn sqlite() -> (SqliteStore, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&home.path().join("store.db"), Durability::Normal).unwrap();
    (store, home)
}

pub fn project(name: &str) -> Arc<str> {
    Arc::from(name)
}

/// The key of a note in the project `p`.
pub fn note(id: &str) -> Key {
    Key::new(&project("p"), NOTE, id)
}

/// The key of a book in the project `p`.
pub fn book(id: &str) -> Key {
    Key::new(&project("p"), BOOK, id)
}

/// The key of a remark in the project `p`.
pub fn remark(id: &str) -> Key {
    Key::new(&project("p"), REMARK, id)
}

pub fn insert(key: &Key, parent: &str, facet: &str, doc: &str) -> Change {
    Change::Insert {
        key: key.clone(),
        parent: parent.to_owned(),
        facet: facet.to_owned(),
        created_at: 7,
        doc: Bytes::copy_from_slice(doc.as_bytes()),
        aside: None,
    }
}

pub fn replace(key: &Key, if_etag: i64, doc: &str) -> Change {
    Change::Replace { key: key.clone(), if_etag, doc: Bytes::copy_from_slice(doc.as_bytes()) }
}

pub fn refile(key: &Key, facet: &str, weight: i64) -> Change {
    Change::Refile { key: key.clone(), facet: facet.to_owned(), weight }
}

pub fn delete(key: &Key) -> Change {
    Change::Delete { key: key.clone() }
}

pub fn claim(name: &str, holder: &str) -> Change {
    Change::Claim { project: project("p"), name: name.to_owned(), holder: holder.to_owned() }
}

pub fn turn(id: &str) -> TurnKey {
    TurnKey { project: project("p"), id: id.to_owned() }
}

pub fn open_turn(id: &str) -> Change {
    Change::OpenTurn { turn: turn(id), dialect: "classic" }
}

pub fn append(id: &str, position: i64, phase: TurnPhase) -> Change {
    let entry = Bytes::from(format!("entry {position}"));
    Change::Append { turn: turn(id), position, at: 100 + position, entry, phase }
}

/// Commits a batch that must be accepted.
#[track_caller]
pub fn commit(store: &dyn Store, batch: Vec<Change>) -> impl Future<Output = ()> {
    let commit = store.submit(batch);
    async move { commit.await.unwrap() }
}

/// The text of a resource; `None` if it is not there.
pub async fn doc(store: &dyn Store, key: &Key) -> Option<String> {
    let found = store.get(key).await.unwrap();
    found.map(|resource| String::from_utf8(resource.doc.to_vec()).unwrap())
}

/// A listing of notes in the project `p`.
pub fn notes(parent: &str) -> Listing<'_> {
    Listing {
        project: "p",
        kind: NOTE,
        parent,
        facet: None,
        order: Order::Asc,
        after: None,
        before: None,
        limit: 100,
    }
}

/// The ids of a list, and whether there are more.
pub async fn ids(store: &dyn Store, listing: Listing<'_>) -> Result<(Vec<String>, bool), StoreError> {
    let slice = store.list(listing).await?;
    Ok((slice.items.into_iter().map(|item| item.id).collect(), slice.has_more))
}
