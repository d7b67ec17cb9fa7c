//! Responses: the newer dialect of turns.

mod create;
mod dialect;
mod kinds;
mod projection;
mod read;
pub mod request;
mod spec;
mod stream;
mod tokens;
mod transcript;

pub use create::create;
pub use dialect::ResponsesDialect;
pub use kinds::{INPUT, RESPONSE, not_found};
pub use read::{cancel, delete, get, input_items, list};
pub use tokens::input_tokens;
