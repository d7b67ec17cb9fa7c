//! The kinds of resource that containers are made of, and where they lie.

use std::sync::Arc;

use cupola_store::{Key, Kind};

/// The containers. Their facet is their name.
pub const CONTAINER: Kind = Kind::named("container").owning(&[FILE_IN_CONTAINER]);
/// The files of a container, below it.
pub const FILE_IN_CONTAINER: Kind = Kind::named("container_file");

/// A container.
pub fn container(project: &Arc<str>, id: &str) -> Key {
    Key::new(project, CONTAINER, id)
}

/// A file of a container.
pub fn file(project: &Arc<str>, id: &str) -> Key {
    Key::new(project, FILE_IN_CONTAINER, id)
}
