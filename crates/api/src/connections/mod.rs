//! Connections: where other services are and how to be let in there. Some come from the configuration,
//! others are put here by clients; their credentials are sealed at rest and shown by one operation alone.

mod body;
mod connection;
mod handlers;
mod keyring;
mod reveal;
mod shelf;

pub use connection::{ConfiguredConnection, Connection, Secrets, project_resource_id};
pub use handlers::{delete, get, get_with_credentials, list, put};
pub use keyring::Keyring;
pub use reveal::reveal;
