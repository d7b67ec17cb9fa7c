//! What is to be started, and what it may see and use.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

/// What is to be started, and what it may see and use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// Its name: `a-z`, `0-9` and `-`. It becomes the host name and a part of the names of control groups.
    pub name: String,
    /// Its file system.
    pub root: Root,
    /// What it sees of this machine, beside its file system.
    pub binds: Vec<Bind>,
    /// A folder in memory that it shares with this process.
    pub shared: Option<Shared>,
    /// Small files that are made for it, by their place, for example `/etc/hosts`.
    pub files: BTreeMap<PathBuf, String>,
    /// The program and its arguments. A program without a `/` is looked for along `PATH` of the environment.
    pub command: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Where the program starts. It is made where it is missing.
    pub folder: PathBuf,
    /// Who runs it, as images say it: empty for root, a name or number, or `user:group`.
    pub user: String,
    /// Ports of its own loopback on which this process listens, from before the program starts.
    pub listen: Vec<u16>,
    /// What it may use.
    pub limits: Limits,
    /// Where its 65,536 users and groups begin on this machine, if this process is root. Sandboxes that live
    /// at the same time are best given different ones: the kernel counts some resources by user.
    pub first_id: u32,
    /// Who puts the program into its cage.
    pub runner: Runner,
}

/// A file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Root {
    /// Folders on top of each other, the lowest first, as overlayfs has them. What is written goes to memory,
    /// within [`Limits::disk_bytes`].
    Layers(Vec<PathBuf>),
    /// These files and folders of this machine, in the same place and read only. The rest is empty and can't
    /// be written either.
    Host(Vec<PathBuf>),
}

/// Something of this machine that a sandbox sees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bind {
    /// The file or folder on this machine. Its owner here is this process's user, inside the program's user.
    pub from: PathBuf,
    /// Where the sandbox sees it.
    pub to: PathBuf,
    /// Whether it may write there.
    pub writable: bool,
}

/// A folder in memory that a sandbox shares with the process that started it: the kernel itself keeps it from
/// growing, and what is in it outlives the sandbox for as long as that process wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shared {
    /// Where the sandbox sees it.
    pub to: PathBuf,
    /// How much fits into it.
    pub bytes: u64,
    /// How many files and folders fit into it.
    pub files: u64,
}

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time, in thousandths of a core.
    pub cpu_millis: u32,
    /// Memory, in bytes, with swap, and with all that is written to the file system beside the binds.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// What may be written to the file system beside the binds, in bytes. It is kept in memory: never more
    /// than half of [`Limits::memory_bytes`], so that a full disk is told as such before memory ends.
    pub disk_bytes: u64,
}

/// Who puts the program into its cage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Runner {
    /// This crate.
    Builtin,
    /// The OCI runtime at this path. It runs inside an outer shell of this crate, which holds its limits, its
    /// network and its life span.
    Oci(PathBuf),
}
