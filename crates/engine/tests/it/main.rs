//! The turn: its state machine under random events, its context, and its driver over a real store.
#![allow(clippy::unwrap_used, missing_docs)]

mod approvals;
mod context;
mod driving;
mod model;
mod plain;
mod state_machine;
mod tools;
