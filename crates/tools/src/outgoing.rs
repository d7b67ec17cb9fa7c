//! Requests to other services, sent by tools whose addresses clients and models choose.
//!
//! Addresses of this machine and of private networks are refused, unless the configuration allows them: at
//! the moment of connecting, so that no name and no redirect leads there.

mod address;
mod allow;
mod answer;
mod client;
mod failure;
mod redirect;
mod request;
mod resolver;

pub use allow::{Allow, BadEntry};
pub use answer::{Answer, Body};
pub use client::Outgoing;
pub use failure::Failure;
pub use request::{Patience, Request};
