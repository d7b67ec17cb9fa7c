//! Where hosted containers keep their responses: they have no store of their own and call back.
//! What they keep is what the ordinary operations of responses and conversations show.

mod calls;
mod history;
mod ids;
mod items;
mod open;
mod owners;
mod placing;
mod requester;
mod responses;
mod sandbox;

pub use calls::{Call, CallBook};
pub use history::item_ids;
pub use ids::is_hosted;
pub use items::batch_retrieve;
pub use open::abandon;
pub use owners::{CALL, OWNER, hide_from_others, is_visible};
pub use requester::Requester;
pub use responses::{create, delete, get, input_items, update};
pub use sandbox::Sandbox;
