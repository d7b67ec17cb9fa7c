//! The same face where there is no Linux: it says so, and nothing starts.

use std::{convert::Infallible, io, os::fd::OwnedFd, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::Empty,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{Spec, StartError};

/// A sandbox. There is none on this system.
#[derive(Debug)]
pub struct Child(Infallible);

/// The way into a sandbox's network. There is none on this system.
#[derive(Clone, Debug)]
pub struct Door(Infallible);

/// How a sandbox ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, where the program ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it ended because it wanted more memory than it may have.
    pub out_of_memory: bool,
}

/// Becomes a sandbox, if that is what this process was started for. Here it never is.
pub fn enter_if_asked() {}

/// Gives up nothing: there are no such limits on this system.
pub fn retire(_memory: u64, _processor_time: Duration) -> io::Result<()> {
    Ok(())
}

/// Nothing is abandoned on this system.
pub fn remove_abandoned() {}

/// Says that there are no sandboxes on this system.
pub async fn spawn(_spec: Spec) -> Result<Child, StartError> {
    Err(StartError::Machine(format!(
        "Sandboxes need Linux, and this is {}. Use the runtime `docker`.",
        std::env::consts::OS
    )))
}

/// What may be left of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Its first process.
    pub process: i32,
    /// When that was started.
    pub started: u64,
    /// Its control groups.
    pub groups: Vec<PathBuf>,
}

impl Trace {
    /// Nothing was started on this system, so nothing is left.
    pub fn erase(self) -> bool {
        false
    }
}

impl Child {
    /// What is left of it if this process is killed.
    pub fn trace(&self) -> &Trace {
        match self.0 {}
    }

    /// Becomes `Some` when everything in the sandbox has ended.
    pub fn exit(&self) -> watch::Receiver<Option<Exit>> {
        match self.0 {}
    }

    /// The way into its network.
    pub fn door(&self) -> &Door {
        match self.0 {}
    }

    /// What could not be had.
    pub fn warnings(&self) -> &[String] {
        match self.0 {}
    }

    /// The listeners inside of its network.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        match self.0 {}
    }

    /// What it writes to its standard output.
    pub fn take_stdout(&mut self) -> Option<Empty> {
        match self.0 {}
    }

    /// What it writes to its standard error.
    pub fn take_stderr(&mut self) -> Option<Empty> {
        match self.0 {}
    }

    /// The folder that it shares with this process.
    pub fn take_shared(&mut self) -> Option<OwnedFd> {
        match self.0 {}
    }

    /// Tells the program to stop what it does.
    pub fn interrupt(&self) {
        match self.0 {}
    }

    /// Asks the program to end.
    pub fn terminate(&self) {
        match self.0 {}
    }

    /// Ends everything in the sandbox.
    pub fn kill(&self) {
        match self.0 {}
    }
}

impl Door {
    /// Opens a connection to a port of the sandbox.
    pub async fn connect(&self, _port: u16) -> io::Result<TcpStream> {
        match self.0 {}
    }
}
