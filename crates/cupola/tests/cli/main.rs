//! The real binary, as somebody at a terminal uses it.

#![allow(clippy::unwrap_used)]

mod banner;
mod doctor;
mod env;
mod explain;
mod home;
mod objects;
mod proxies;
mod quickstart;
mod refusals;
mod runs;
mod sdk;
mod token;
