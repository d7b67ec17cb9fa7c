//! The crate through its public face.
#![allow(clippy::unwrap_used)]

mod docker;
mod fleet;
