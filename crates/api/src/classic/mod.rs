//! The classic dialect: assistants, threads, messages, runs, run steps and files.

pub mod agents;
pub(crate) mod checks;
mod code_files;
mod delegation;
mod dialect;
pub mod files;
mod include;
mod kinds;
pub mod messages;
mod projection;
pub mod run_steps;
pub mod runs;
mod scope;
mod servers;
mod shapes;
mod spec;
pub mod threads;
pub(crate) mod upload;

pub use delegation::ClassicColleagues;
pub use dialect::ClassicDialect;
pub use kinds::{FILE, THREAD, deleted, file_key, find, not_found, read, thread_key};
pub use messages::refusal;
