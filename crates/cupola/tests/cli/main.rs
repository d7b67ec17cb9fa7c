//! The real binary, as somebody at a terminal uses it.

#![allow(clippy::unwrap_used)]

mod doctor;
mod explain;
mod home;
mod objects;
mod quickstart;
mod refusals;
mod runs;
mod token;
