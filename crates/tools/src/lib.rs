//! How tools act on the world. Nothing here knows the engine, a dialect or the store: a protocol is spoken,
//! and what it comes to is handed back.

pub mod a2a;
pub mod machine_identity;
pub mod mcp;
pub mod openapi;
pub mod outgoing;
pub mod queue;
pub mod web;

/// The codes of faults that have a page of their own.
pub const CODES: &[&str] = &["address_not_allowed", "web_search_not_configured"];
