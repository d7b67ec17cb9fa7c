//! What stands behind an interpreter: a place in which a kernel runs, whoever provides it.

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::unix::pipe,
};

use crate::folder::Folder;

/// What an interpreter may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Memory, in bytes.
    pub memory: u64,
    /// Processor time, in thousandths of a core.
    pub cpu_millis: u32,
    /// Processes and threads.
    pub processes: u32,
    /// What its folder holds, in bytes.
    pub disk: u64,
}

impl Size {
    /// The same with so much memory.
    pub fn with_memory(self, memory: u64) -> Self {
        Self { memory, ..self }
    }
}

impl Default for Size {
    fn default() -> Self {
        const MEBIBYTE: u64 = 1024 * 1024;
        Self { memory: 1024 * MEBIBYTE, cpu_millis: 1000, processes: 64, disk: 512 * MEBIBYTE }
    }
}

/// Starts kernels. A stronger isolation is another implementation of this.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Starts a kernel. When this returns, it has begun, and says so itself when it is ready.
    async fn start(&self, size: Size) -> Result<Started, StartFault>;

    /// Whether what it needs is there.
    fn check(&self) -> Result<(), StartFault>;
}

/// A kernel that has begun.
pub struct Started {
    /// The place that it runs in.
    pub room: Box<dyn Room>,
    /// How it is spoken to.
    pub channel: Box<dyn Duplex>,
    /// What it writes.
    pub output: pipe::Receiver,
    /// Its folder.
    pub folder: Folder,
}

/// Something that is read and written.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Duplex for T {}

/// The place that a kernel runs in. When it is dropped, everything in it ends.
#[async_trait]
pub trait Room: Send + Sync {
    /// Tells the kernel to stop what it does.
    fn interrupt(&self);

    /// Ends everything.
    fn end(&self);

    /// Whether everything has ended.
    fn has_ended(&self) -> bool;

    /// Waits for the end, and says whether it was for want of memory.
    async fn ended(&mut self) -> bool;

    /// How much memory it takes now, in bytes, where that is known.
    fn memory(&self) -> Option<u64>;
}

/// Why no interpreter was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartFault {
    /// There is no environment.
    #[error(transparent)]
    NotSetUp(#[from] crate::NotSetUp),
    /// It could not be started, for a reason in a sentence.
    #[error("The code interpreter could not be started: {0}")]
    Failed(String),
}
