//! Conversations and their items.

mod agents;
mod items;
mod kinds;
mod list;
mod objects;

pub use agents::note_agent;
pub use items::{create_items, delete_item, get_item, list_items};
pub use kinds::{
    ITEM, check_id, conversation_key, find as find_conversation, insert_item, resolve_references,
};
pub use list::list;
pub use objects::{create, delete, get, update};
