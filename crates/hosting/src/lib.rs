//! Hosted agents: images, the runtimes that run them, and sandboxes that come and go with sessions.
//!
//! This crate knows no HTTP API and no store. It is told what to run and with which limits, says what
//! became of it, and gives connections into it.

mod docker;
mod failure;
mod fleet;
pub mod image;
mod limits;
mod logs;
mod oci;
mod process;
mod proxy;
mod relay;
mod runtime;

pub use docker::{DockerRuntime, DockerSettings, Found};
pub use failure::{Code, Failure};
pub use fleet::{Ended, Excess, ExchangeError, Fleet, Order, Probe, RequestBody, Visit, Visited, Why, held};
pub use limits::{Egress, Limits};
pub use logs::{ENDED, LogBook, LogLine, LogStream};
pub use oci::{Images, OciRuntime, OciSettings, RootImage, RunnerChoice};
pub use process::ProcessRuntime;
pub use runtime::{
    Connection, Exit, ImageSource, Mount, Prepared, Program, Progress, ProgressSink, RegistryCredentials,
    Runtime, Sandbox, SandboxSpec, Source,
};
