//! Agent to agent (A2A, version 0.3): other agents find an agent by its card, and talk to it. A message
//! becomes a response of the agent, a task is that response, and a context is a conversation.

mod ask;
mod card;
mod context;
mod fault;
mod message;
mod proto;
mod rest;
mod rpc;
mod stream;
mod task;

pub use ask::{ASKED_BY, Talk};
pub use card::card;
pub use context::NAMED;
pub use rest::{cancel, get, send, stream, subscribe};
pub use rpc::call;
