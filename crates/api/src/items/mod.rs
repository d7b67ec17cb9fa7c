//! Items: what was said and done in a conversation or a response, in the form in which it is stored and sent.

pub mod compaction;
mod content;
mod ids;
mod include;
mod normalise;

pub use content::{missing, wrong_type};
pub use ids::prefix;
pub use include::Include;
pub use normalise::{Item, normalise};
