//! A client of servers that speak the Model Context Protocol: what tools they have, and calls of these.
//!
//! Streamable HTTP is tried first, then the older transport of two channels (HTTP and server-sent events).
//! A session is opened once for a server and its headers, and kept while it is used. Whatever a server does,
//! it harms its own calls alone: every wait has a deadline, and everything that is read has a limit.

mod catalog;
mod client;
mod failure;
mod http;
mod outcome;
mod pool;
mod server;
mod session;
mod sse;

pub use catalog::{Listed, Wanted};
pub use client::{Client, Patience};
pub use failure::Failure;
pub use outcome::Outcome;
pub use server::Server;
