//! Containers of the first generation: a version is started by hand, with replicas that all requests share.
//!
//! What is asked for is an operation, which is recorded before anything happens. Each container has one worker
//! that performs its operations in their order. What a restart interrupts is performed again.

mod choice;
mod container;
mod handlers;
mod log;
mod operation;
mod replica;
mod scale;
mod state;
mod worker;

pub use handlers::{delete, get, get_operation, list_all_operations, list_operations, start, stop, update};
pub use log::log;
pub use replica::chosen as replica;
pub use worker::{Lines, resume, vacate};
