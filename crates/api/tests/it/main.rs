//! The HTTP face, in process: real router, real engine, real store, and a model that says what the test
//! wants it to say.
#![allow(clippy::unwrap_used, missing_docs)]

mod access;
mod agent_versions;
mod agents;
mod app;
mod bad_input;
mod cancellation;
mod connections;
mod context;
mod conversation_items;
mod conversations;
mod datasets;
mod deadlines;
mod deployments;
mod disconnects;
mod faults;
mod files;
mod golden;
mod indexes;
mod lists;
mod messages;
mod model;
mod named_agents;
mod passthrough;
mod redaction;
mod run_steps;
mod runs;
mod streams;
mod threads;
mod tool_outputs;
mod upstreams;
