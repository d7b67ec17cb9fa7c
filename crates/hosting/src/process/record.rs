//! What is remembered of a process, so that the next start of the service can end what a killed one left.

use std::{fs, io, path::Path};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

/// A process of ours. Its number alone may belong to another one by now; with the time of its start it can't.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The sandbox.
    pub id: String,
    pid: i32,
    /// In ticks since the machine started.
    started: u64,
}

impl Record {
    /// A process that runs now.
    pub fn of(pid: u32, id: &str) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        Some(Self { id: id.to_owned(), pid, started: started(pid)? })
    }

    /// All that are remembered in a folder.
    pub fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match serde_json::from_slice(&fs::read(&path)?) {
                Ok(record) => found.push(record),
                // Half of a record is what a crash while writing leaves.
                Err(_) => fs::remove_file(&path)?,
            }
        }
        Ok(found)
    }

    /// Remembers it.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join(&self.id), serde_json::to_vec(self)?)
    }

    /// Forgets it.
    pub fn forget(folder: &Path, id: &str) {
        let _ = fs::remove_file(folder.join(id));
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        started(self.pid) == Some(self.started)
    }

    /// Asks it, and what it has started, to end.
    pub fn signal(&self, signal: Signal) {
        if self.runs()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Ends it at once, and says whether it ran.
    pub fn end(&self) -> bool {
        let runs = self.runs();
        self.signal(Signal::KILL);
        runs
    }
}

/// When a process started: field 22 of its line, counted behind the name, which may hold anything.
fn started(pid: i32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = line.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}
