//! The turn: one activation of an agent, whichever dialect asked for it.
//!
//! [`turn`] is the state machine: plain enums and a function without IO, clock or randomness. The driver
//! performs what it asks for (call the model, wait for the client, finish) and feeds back what happened.
//! What happened is the turn's journal: folding it gives the state back after a crash. [`Dialect`] is how
//! a wire dialect takes part: it says where the history is, and turns events into resources and frames.

mod clock;
mod context;
mod deadlines;
mod dialect;
mod driver;
mod driving;
mod engine;
pub mod ids;
mod line;
mod spec;
pub mod tools;
pub mod turn;

pub use clock::Clock;
pub use context::{ContextError, Counter, fit};
pub use dialect::{Changes, Delta, Dialect, Frame, HistoryItem, HistoryPage, Projection, Resumed, Runner};
pub use engine::{
    Begin, BeginError, Begun, CommandError, Deployments, Durable, End, Engine, Frames, Listen, Settings,
};
pub use spec::{ClientCalls, ToolSpec, Truncation, TurnSpec};

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// The codes that a turn can fail with, besides those of model faults.
pub const CODES: &[&str] = &["tool_not_available", "too_many_tool_rounds", "server_error"];
