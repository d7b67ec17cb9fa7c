//! A sandbox that is a container.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bollard::{
    Docker,
    query_parameters::{InspectContainerOptionsBuilder, KillContainerOptionsBuilder},
};
use tokio::{
    net::TcpStream,
    sync::{OnceCell, watch},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    removal::Removal,
    wall::{Door, Wall},
};
use crate::{Connection, Exit, Sandbox};

/// For how long a container may take to end after it was killed.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// A started container.
pub(super) struct DockerSandbox {
    pub client: Docker,
    pub container: String,
    /// Its own address; `None` where it ended before it could be asked for.
    pub address: Option<Ipv4Addr>,
    pub port: u16,
    pub exit: watch::Receiver<Option<Exit>>,
    pub removal: Arc<Removal>,
    pub stopped: OnceCell<()>,
    /// Whether the daemon holds what it writes to its limit. Otherwise somebody has to look.
    pub is_disk_limited: bool,
    pub wall: Arc<Wall>,
    /// What it may reach of this machine.
    pub doors: Mutex<Vec<Door>>,
    /// The proxy through which it goes out, which ends with it.
    pub _gatekeeper: Option<AbortOnDropHandle<()>>,
}

impl fmt::Debug for DockerSandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DockerSandbox").field("container", &self.container).finish_non_exhaustive()
    }
}

impl DockerSandbox {
    fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Whether it has ended when the time is over.
    async fn ends_within(&self, time: Duration) -> bool {
        let mut exit = self.exit.clone();
        matches!(timeout(time, exit.wait_for(Option::is_some)).await, Ok(Ok(_)))
    }

    /// Sends a signal, and tells whether that worked. Where it did not, the container is not running, or the
    /// daemon is not, and both show elsewhere.
    async fn send(&self, signal: &str) -> bool {
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        self.client.kill_container(&self.container, Some(options)).await.is_ok()
    }

    async fn end(&self, grace: Duration) {
        let asked = !self.has_ended() && self.send("SIGTERM").await;
        let obeyed = asked && self.ends_within(grace).await;
        if !obeyed && !self.has_ended() {
            self.send("SIGKILL").await;
            self.ends_within(AFTER_KILL).await;
        }
        self.removal.remove(&self.client, &self.container).await;
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.wall.close_unused().await;
    }
}

#[async_trait]
impl Sandbox for DockerSandbox {
    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, "the sandbox has ended");
        let address = self.address.filter(|_| !self.has_ended()).ok_or_else(refused)?;
        let connection = TcpStream::connect(SocketAddr::from((address, self.port))).await?;
        // The address of a container that ended is soon another's.
        if self.has_ended() {
            return Err(refused());
        }
        connection.set_nodelay(true)?;
        Ok(Box::new(connection))
    }

    fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    async fn written(&self) -> Option<u64> {
        if self.is_disk_limited {
            return None;
        }
        let options = InspectContainerOptionsBuilder::default().size(true).build();
        let found = self.client.inspect_container(&self.container, Some(options)).await.ok()?;
        u64::try_from(found.size_rw?).ok()
    }

    async fn stop(&self, grace: Duration) {
        self.stopped.get_or_init(|| self.end(grace)).await;
    }
}
