//! The kinds of resource, their keys, and the errors for those that are not there.

use std::sync::Arc;

use cupola_store::{Key, Kind};

use crate::ApiError;

/// A store, under its name.
pub const STORE: Kind = Kind::named("memory_store").owning(&[MEMORY, UPDATE]);
/// A memory; its facet is its scope.
pub const MEMORY: Kind = Kind::named("memory");
/// An update; its facet says whether it is still to be done.
pub const UPDATE: Kind = Kind::named("memory_update");

/// The facet of updates that are still to be done.
pub const TO_DO: &str = "to_do";

/// The key of a store.
pub fn store(project: &Arc<str>, name: &str) -> Key {
    Key::new(project, STORE, name)
}

/// The key of a memory.
pub fn memory(project: &Arc<str>, id: &str) -> Key {
    Key::new(project, MEMORY, id)
}

/// The key of an update.
pub fn update(project: &Arc<str>, id: &str) -> Key {
    Key::new(project, UPDATE, id)
}

/// The 404 of a store.
pub fn no_store(name: &str) -> ApiError {
    ApiError::missing("Memory store", name)
}

/// The 404 of a memory.
pub fn no_memory(id: &str) -> ApiError {
    ApiError::missing("Memory", id)
}

/// The 404 of an update.
pub fn no_update(id: &str) -> ApiError {
    ApiError::missing("Memory update", id)
}
