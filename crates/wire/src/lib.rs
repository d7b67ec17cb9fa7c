//! What goes over the wire: plain serde types, no logic.
//!
//! The service and the Rust SDK share these types. Every object that a client may extend carries an
//! `extra` map, so that fields this version does not know are kept and echoed instead of lost.

pub mod agents;
pub mod classic;
pub mod connections;
pub mod containers;
pub mod conversations;
pub mod deployments;
pub mod error;
pub mod hosted;
pub mod responses;
mod tagged;
pub mod vector_stores;
mod words;

pub use tagged::INNER_PATH;

/// Fields that this version does not know, in the order in which they came.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// Up to sixteen pairs of text that a client attaches to an object.
pub type Metadata = indexmap::IndexMap<String, String>;

/// Seconds since the Unix epoch.
pub type UnixSeconds = i64;
