//! What sandboxes say, for whoever wants to read along, and on disk once they have ended.

mod handlers;
mod query;
mod shelf;
mod shown;
mod tail;

pub use handlers::{stream, stream_of_version};
pub use query::{LogKind, LogQuery};
pub use shelf::Shelf;
pub use shown::moment;
pub use tail::{News, Patience, Tail};
