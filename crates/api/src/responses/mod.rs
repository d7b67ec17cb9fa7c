//! Responses: the newer dialect of turns.

mod approvals;
mod checks;
mod compact;
mod containers;
mod create;
mod dialect;
mod exchanges;
mod history;
mod kinds;
mod memory;
mod projection;
mod read;
pub mod request;
mod socket;
mod spec;
mod stream;
mod summary;
mod tokens;
mod transcript;

pub use compact::compact;
pub use create::create;
pub use dialect::ResponsesDialect;
pub use history::History;
pub use kinds::{RESPONSE, not_found};
pub use read::{cancel, delete, get, input_items, list};
pub use socket::connect;
pub use tokens::input_tokens;
