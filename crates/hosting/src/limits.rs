//! What a sandbox may use, and where it may reach.

/// What a sandbox may use. A runtime that can't hold it to one of these says so when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time, in thousandths of a core: 500 is half a core.
    pub cpu_millis: u32,
    /// Memory, in bytes. Beyond it a process is killed.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// What may be written outside of the home folder, in bytes.
    pub disk_bytes: u64,
    /// What the home folder may hold, in bytes. With more in it, a sandbox is stopped and not started.
    pub home_bytes: u64,
}

/// Where a sandbox may reach, beside the service itself, which it always can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Egress {
    /// Everywhere that this machine can.
    #[default]
    Open,
    /// Nowhere.
    None,
    /// These hosts (`api.example.com`, `*.example.com`) on these ports, over a proxy that the sandbox finds in
    /// `HTTPS_PROXY` and `HTTP_PROXY`.
    Only(Vec<String>),
}
