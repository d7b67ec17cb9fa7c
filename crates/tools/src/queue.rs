//! Storage queues of Azure, as far as a call over a pair of them needs: put a message, receive, delete, release.

mod access;
mod call;
mod client;
mod message;
mod signature;

pub use access::Access;
pub use call::{NoAnswer, call};
pub use client::{Queue, QueueFailure};
