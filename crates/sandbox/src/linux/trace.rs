//! What a service that was killed may have left of a sandbox, and its end.

use std::{fs, path::PathBuf};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    process::{Pid, PidfdFlags, Signal},
};
use serde::{Deserialize, Serialize};

use super::cgroup;

/// A process that was killed ends within milliseconds, unless a disk holds it up.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What may be left of a sandbox. It can be written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Its first process, as this machine counts.
    pub process: i32,
    /// When that was started, in ticks since the machine was. Numbers of processes come again; this tells
    /// them apart.
    pub started: u64,
    /// Its control groups.
    pub groups: Vec<PathBuf>,
}

impl Trace {
    /// Ends the sandbox if it lives, removes what is left of it, and says whether it lived. It blocks until
    /// then.
    pub fn erase(self) -> bool {
        let lived = self.kill();
        cgroup::remove(&self.groups);
        lived
    }

    fn kill(&self) -> bool {
        let Some(process) = Pid::from_raw(self.process) else { return false };
        let Ok(watch) = rustix::process::pidfd_open(process, PidfdFlags::empty()) else { return false };
        // Looked at after the process is held, so that it can't become another one in between.
        if started(process) != Some(self.started) {
            return false;
        }
        if rustix::process::pidfd_send_signal(&watch, Signal::KILL).is_ok() {
            // If it takes longer, its groups stay, which is said where they are removed.
            let _ = rustix::event::poll(&mut [PollFd::new(&watch, PollFlags::IN)], Some(&PATIENCE));
        }
        true
    }
}

/// When a process was started: field 22 of its line, counted from behind the name, which may hold anything.
pub(crate) fn started(process: Pid) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // One that has ended and waits to be waited for is none any more.
    let lives = fields.next().is_some_and(|state| !["Z", "X"].contains(&state));
    fields.nth(18)?.parse().ok().filter(|_| lives)
}
