//! What survives when the real binary is killed, stopped or out of space.
#![allow(clippy::unwrap_used, missing_docs)]

mod caller;
mod conversation;
mod full_disk;
mod kills;
mod responses;
mod sdk;
mod server;
mod signals;
