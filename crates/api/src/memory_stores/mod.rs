//! Memory stores: what is remembered of users. Memories are written by a model from what was said, and found by
//! meaning where there is an embedder, else by words.

mod checks;
mod extract;
mod handle;
mod items;
mod kinds;
mod learn;
mod merge;
mod rank;
mod record;
mod said;
mod schedule;
mod scope;
mod search;
mod stores;
mod updates;
mod vectors;
mod worker;

pub use handle::{Memories, MemoriesParts};
pub(crate) use items::{
    create as create_item, delete as delete_item, get as get_item, list as list_items, update as update_item,
};
pub(crate) use scope::delete_scope;
pub(crate) use search::search;
pub use search::{Remembered, Wanted};
pub(crate) use stores::{create, delete, get, list, update};
pub use updates::NewUpdate;
pub(crate) use updates::{get as get_update, update as update_memories};
