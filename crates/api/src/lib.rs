//! The HTTP face of the service: routes, authentication, dialects and error envelopes.
//!
//! [`operations`] is the one table of everything that can be asked for; the router is made from it. A
//! request passes the gate (who is it, may they, which project), then a short handler: read, check,
//! call the engine or the store, answer.

mod a2a;
mod agents;
mod assets;
mod attachments;
mod authority;
mod body;
mod citations;
mod classic;
mod connections;
pub mod containers;
mod conversations;
mod datasets;
mod deployments;
mod error;
mod expiring;
mod frames;
mod gate;
pub mod hosted;
mod indexes;
mod items;
mod linger;
mod listing;
mod local_identity;
pub mod memory_stores;
pub mod operations;
mod partition;
mod passthrough;
mod path;
mod precondition;
mod responses;
mod server;
mod service;
mod sieve;
mod state_stores;
mod storage;
mod tasks;
pub mod tools;
mod values;
pub mod vector_stores;

pub use connections::{ConfiguredConnection, Connection, Keyring, Secrets};
pub use error::{ApiError, CODES};
pub use hosted::{Hosting, HostingParts, HostingSettings};
pub use server::{Server, Stopped};
pub use service::{LateService, Limits, Service, ServiceParts};

pub use classic::{ClassicColleagues, ClassicDialect};
pub use responses::ResponsesDialect;
pub use storage::{Call, CallBook, Sandbox};
