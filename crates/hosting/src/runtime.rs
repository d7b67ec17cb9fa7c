//! What every runtime does: make what is to be run present, and run it in sandboxes.

use std::{collections::BTreeMap, fmt, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

use crate::{Egress, Failure, Limits, LogBook};

/// Runs sandboxes. One test suite holds all runtimes to what stands here.
#[async_trait]
pub trait Runtime: Send + Sync + fmt::Debug {
    /// Its name in the configuration: `docker`, `oci`, `process`.
    fn name(&self) -> &'static str;

    /// Makes a source present and checks that it can run here. What is present already is not fetched again.
    async fn prepare(&self, source: &Source, progress: &dyn ProgressSink) -> Result<Prepared, Failure>;

    /// Starts a sandbox. When this returns, its first process runs; whether it listens is for the caller to
    /// find out through [`Sandbox::connect`].
    async fn start(&self, prepared: &Prepared, spec: SandboxSpec) -> Result<Arc<dyn Sandbox>, Failure>;

    /// The address under which a sandbox reaches the service that listens at `service` on this machine, as
    /// `host:port`. The runtime sees to it that this leads there. The host's name is in the service's
    /// certificate (`localhost`, `127.0.0.1` and `cupola.internal` are).
    fn address_of_service(&self, service: SocketAddr) -> String;

    /// Stops and removes the sandboxes that an earlier process of the same owner left behind, and says which.
    /// Called once, before the first start.
    async fn sweep(&self) -> Result<Vec<String>, Failure>;

    /// Forgets what was prepared. Fails where something outside of this service needs it; then it is still
    /// there.
    async fn forget(&self, prepared: &Prepared) -> Result<(), Failure>;
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A container image in a registry.
    Image(ImageSource),
    /// A folder with code, and how it is started.
    Code(Program),
}

/// A container image in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSource {
    /// As people write it: `registry.example.com/team/agent:1`, with a tag or a digest.
    pub reference: String,
    /// What the registry is to be told, if anything.
    pub credentials: Option<RegistryCredentials>,
}

/// A program in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The folder, on this machine. Sandboxes see it, read only, as `/app`.
    pub folder: PathBuf,
    /// The program and its arguments, as in `["python", "main.py"]`, started in the folder.
    pub entry_point: Vec<String>,
    /// What it is written for, for example `python_3_13`.
    pub language: String,
}

/// What a registry is told.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryCredentials {
    /// A name and a password or token.
    Basic {
        /// The name.
        user: String,
        /// The password. It appears in no message.
        password: String,
    },
    /// A token as it is.
    Bearer(String),
}

impl fmt::Debug for RegistryCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RegistryCredentials(..)")
    }
}

/// A source that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What it came from.
    pub source: Source,
    /// The digest that says which bytes it is: `sha256:…`.
    pub digest: String,
}

/// How far a preparation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The registry is asked what the reference means.
    Resolving,
    /// Bytes are on their way.
    Pulling {
        /// Bytes that are here.
        done: u64,
        /// Bytes in all, where that is known.
        total: Option<u64>,
        /// Layers that are here.
        layers_done: usize,
        /// Layers in all.
        layers: usize,
    },
    /// Layers are being unpacked.
    Unpacking,
    /// It is present.
    Present {
        /// Whether it had been present before.
        cached: bool,
    },
}

/// Whoever wants to know how far a preparation is.
pub trait ProgressSink: Send + Sync {
    /// Called often; it must not block.
    fn report(&self, progress: Progress);
}

impl<F: Fn(Progress) + Send + Sync> ProgressSink for F {
    fn report(&self, progress: Progress) {
        self(progress);
    }
}

/// What a sandbox is to be.
#[derive(Clone, Debug)]
pub struct SandboxSpec {
    /// Its id: 1 to 63 of `a-z`, `0-9` and `-`. Unique among those that live.
    pub id: String,
    /// The environment, beside what the image itself sets.
    pub environment: BTreeMap<String, String>,
    /// The port on which the program is to listen.
    pub port: u16,
    /// The folder on this machine that the sandbox sees as `/home/session`, and may write.
    pub home: PathBuf,
    /// What else it sees.
    pub mounts: Vec<Mount>,
    /// What it may use.
    pub limits: Limits,
    /// Where it may reach.
    pub egress: Egress,
    /// Where the service listens that it talks back to.
    pub service: SocketAddr,
    /// Where its output goes, line by line.
    pub logs: Arc<LogBook>,
}

/// Something of this machine that a sandbox sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The file or folder on this machine.
    pub from: PathBuf,
    /// Where the sandbox sees it.
    pub to: PathBuf,
    /// Whether it may write there.
    pub writable: bool,
}

/// A sandbox that was started.
#[async_trait]
pub trait Sandbox: Send + Sync + fmt::Debug {
    /// Opens a connection to the port that the program is to listen on. `ConnectionRefused` while it does not.
    async fn connect(&self) -> io::Result<Box<dyn Connection>>;

    /// Becomes `Some` once the first process has ended, however that came.
    fn exit(&self) -> watch::Receiver<Option<Exit>>;

    /// What the program has written outside of its home, in bytes, where nothing holds it to
    /// [`Limits::disk_bytes`] but whoever asks this.
    async fn written(&self) -> Option<u64> {
        None
    }

    /// Asks the program to end (SIGTERM), ends it after the grace period (SIGKILL), and removes everything of
    /// the sandbox but its home. Returns once that is done; more than once is fine.
    async fn stop(&self, grace: Duration);
}

/// Bytes in both directions.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// How a sandbox ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, where the program ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was ended because it wanted more memory than it may have.
    pub out_of_memory: bool,
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { out_of_memory: true, .. } => {
                formatter.write_str("was killed because it used more memory than its limit")
            }
            Self { code: Some(code), .. } => write!(formatter, "exited with code {code}"),
            Self { signal: Some(signal), .. } => write!(formatter, "was ended by signal {signal}"),
            _ => formatter.write_str("ended"),
        }
    }
}
