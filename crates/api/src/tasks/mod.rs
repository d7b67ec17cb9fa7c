//! Tasks: work that a hosted container has begun and that somebody ends, even if that container does not.
//! Whoever works on a task holds a lease on it and renews it; when the lease runs out, another one may go on.

mod attachments;
mod body;
mod create;
mod delete;
mod kinds;
mod lease;
mod moment;
mod read;
mod record;
mod refusal;
mod transition;
mod update;

pub use create::create;
pub use delete::delete;
pub use kinds::is_there;
pub use read::{get, list};
pub use update::update;
