//! Sessions of hosted agents: each has a sandbox while it is used, and a home that outlives it.

mod handlers;
mod id;
mod keeper;
mod record;
mod state;

pub use handlers::{create, delete, find as find_own, get, list, stop};
pub use id::{check as check_id, new as new_id};
pub use keeper::{expire, keep, mark, settle_all};
pub use record::{Session, all, change, find};
pub use state::{SessionEvent, SessionState};
