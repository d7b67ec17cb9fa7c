//! State stores: what the code in a hosted container remembers, as keys and values. A store belongs to an
//! agent; its items may belong to one user each, and may end after a while.

mod address;
mod create;
mod expiry;
mod items;
mod keys;
mod record;
mod stores;

pub use create::create;
pub use items::{create_item, delete_item, get_item, put_item};
pub use keys::list_keys;
pub use stores::{delete, get, list, patch};
