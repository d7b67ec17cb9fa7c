//! Starts processes that may be hostile, on Linux, with what the kernel itself offers.
//!
//! A sandbox has its own file system, processes, network, users and limits, no capability, and a filter for
//! system calls. [`spawn`] starts one; it dies with the process that started it. The work inside is done by
//! the same binary under another name, so the program that uses this crate calls [`enter_if_asked`] first.
//! Where it is not a program but only data that may be hostile, a process of our own may [`retire`] instead.

mod spec;

pub use spec::{Bind, Limits, Root, Runner, Shared, Spec};

#[cfg(target_os = "linux")]
mod linux {
    pub(crate) mod cgroup;
    pub(crate) mod channel;
    pub(crate) mod child;
    pub(crate) mod door;
    pub(crate) mod helper;
    pub(crate) mod hermit;
    pub(crate) mod identity;
    pub(crate) mod kernel;
    pub(crate) mod oci_config;
    pub(crate) mod privileges;
    pub(crate) mod root;
    pub(crate) mod spawner;
    pub(crate) mod syscalls;
    pub(crate) mod trace;
    pub(crate) mod tree;
}

#[cfg(target_os = "linux")]
pub use linux::{
    cgroup::remove_abandoned,
    child::{Child, Exit},
    door::Door,
    helper::enter_if_asked,
    hermit::retire,
    spawner::spawn,
    trace::Trace,
};

#[cfg(not(target_os = "linux"))]
mod elsewhere;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Child, Door, Exit, Trace, enter_if_asked, remove_abandoned, retire, spawn};

/// Why a sandbox did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum StartError {
    /// What was to be run can't be run: there is no such program, or it is for another machine.
    #[error("{0}")]
    Program(String),
    /// This machine did not give what a sandbox needs.
    #[error("{0}")]
    Machine(String),
}

impl StartError {
    /// What was tried, and what came of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn machine(tried: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::Machine(format!("{tried}: {error}"))
    }
}
