//! The Docker runtime, on a real daemon with a real registry.

mod daemon;
mod host;
mod images;
mod limits;
mod network;
mod outside;
mod pulling;
mod registry;
mod restart;
mod sandboxes;
mod suite;
