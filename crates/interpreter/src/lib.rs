//! The code interpreter: Python in cages, warm before it is needed, with a folder that outlives it.
//!
//! An [`Environment`] is what Python offers; it is made once. [`Interpreters`] starts interpreters in it, and
//! keeps some that have begun already. An [`Interpreter`] runs code and keeps its variables; its [`Folder`]
//! holds files. What a container is, and how long it lives, is not known here.

mod cage;
mod channel;
mod console;
pub mod environment;
mod folder;
mod interpreter;
mod pool;
mod runtime;
mod traces;

pub use cage::Cage;
pub use environment::{Environment, NotSetUp};
pub use folder::{Entry, Folder};
pub use interpreter::{Ended, Interpreter, Ran};
pub use pool::{Interpreters, PoolSettings};
pub use runtime::{Room, Runtime, Size, StartFault, Started};
