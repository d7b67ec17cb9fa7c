//! The real binary, as somebody at a terminal uses it.

#![allow(clippy::unwrap_used)]

mod agents;
mod banner;
mod chat;
mod classic;
mod classic_runs;
mod connections;
mod conversations;
mod doctor;
mod env;
mod examples;
mod explain;
mod help;
mod home;
mod hosted;
mod migrate;
mod proxies;
mod quickstart;
mod refusals;
mod sdk;
mod stores;
mod terminal;
mod token;
