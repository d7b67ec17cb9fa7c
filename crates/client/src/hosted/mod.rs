//! Hosted agents: code packages, sessions with their files and logs, and invocations.

mod code;
mod files;
mod invocations;
mod logs;
mod sessions;
mod wait;

pub use self::{
    code::{CodeDownload, CodePackage},
    files::SessionFiles,
    invocations::{Invocation, InvocationAnswer, Invocations},
    logs::{LogQuery, LogStream},
    sessions::Sessions,
};
