//! The way from a client to the container of a session, and back. Nothing is held back on it.

mod exchange;
mod headers;
mod invocations;
mod place;
mod responses;
mod websocket;

pub use headers::set as set_header;
pub use invocations::{invoke, invoke_below};
pub use place::{BINDING, keep};
pub use responses::{forward, respond};
pub use websocket::connect;
