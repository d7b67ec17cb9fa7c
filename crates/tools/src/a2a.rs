//! A2A, the protocol between agents: asks an agent, and waits for what becomes of that.
//!
//! Versions 0.3 and 1.0 are spoken, over JSON-RPC. The agent's card says which, and where.

mod card;
mod client;
mod credentials;
mod events;
mod failure;
mod heard;
mod version;

pub use card::{Card, Skill};
pub use client::{Agent, Place, Question};
pub use credentials::Credentials;
pub use failure::Failure;
pub use heard::{Heard, State};
pub use version::Version;
