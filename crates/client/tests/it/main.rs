//! The client against a real HTTP server in the same process: exact requests, real bytes.
#![allow(clippy::unwrap_used)]

mod agents;
mod connections;
mod conversations;
mod credentials;
mod deployments;
mod failures;
mod files;
mod hosted;
mod lists;
mod objects;
mod processing;
mod requests;
mod response_events;
mod response_following;
mod response_processing;
mod responses;
mod server;
mod streams;
mod vector_stores;
