//! The kinds of resource that vector stores are made of, and where they lie.

use std::sync::Arc;

use cupola_store::{Key, Kind};

use crate::ApiError;

/// The stores. Their facet says which of them may expire.
pub const STORE: Kind = Kind::named("vector_store").owning(&[FILE_IN_STORE, BATCH]);
/// The files of a store: below it, their facet is how far they are, their weight what they use.
pub const FILE_IN_STORE: Kind = Kind::named("vector_store_file");
/// That a file is in a store: below the file, so that it ends with it.
pub const USE: Kind = Kind::named("vector_store_use");
/// The batches of a store.
pub const BATCH: Kind = Kind::named("vector_store_batch").owning(&[FILE_IN_BATCH]);
/// The files of a batch: below it, with how far they are.
pub const FILE_IN_BATCH: Kind = Kind::named("vector_store_batch_file");

/// A store.
pub fn store(project: &Arc<str>, store: &str) -> Key {
    Key::new(project, STORE, store)
}

/// A file of a store. A file may be in several.
pub fn file(project: &Arc<str>, store: &str, file: &str) -> Key {
    Key::new(project, FILE_IN_STORE, inside(store, file))
}

/// That a file is in a store.
pub fn usage(project: &Arc<str>, store: &str, file: &str) -> Key {
    Key::new(project, USE, inside(file, store))
}

/// A batch.
pub fn batch(project: &Arc<str>, batch: &str) -> Key {
    Key::new(project, BATCH, batch)
}

/// A file of a batch.
pub fn file_in_batch(project: &Arc<str>, batch: &str, file: &str) -> Key {
    Key::new(project, FILE_IN_BATCH, inside(batch, file))
}

/// The id of something that is in something else.
pub fn inside(whole: &str, part: &str) -> String {
    format!("{whole}/{part}")
}

/// The second half of such an id.
pub fn part(id: &str) -> &str {
    id.split_once('/').map_or(id, |(_, part)| part)
}

/// 404: no such store.
pub fn no_store(id: &str) -> ApiError {
    ApiError::not_found(format!("No vector store found with id '{id}'."))
}

/// 404: no such file in the store.
pub fn no_file(store: &str, file: &str) -> ApiError {
    ApiError::not_found(format!("No file found with id '{file}' in vector store '{store}'."))
}

/// 404: no such batch in the store.
pub fn no_batch(store: &str, batch: &str) -> ApiError {
    ApiError::not_found(format!("No file batch found with id '{batch}' in vector store '{store}'."))
}
