//! The way out for a sandbox: an HTTP proxy, often one that knows which hosts may be reached.
//!
//! It tunnels (`CONNECT`) and passes plain requests on. What an allowed name resolves to is looked at, too: no
//! name leads to this machine's loopback or to the addresses at which clouds tell machines their secrets.

mod address;
mod allowed;
mod pass;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    sync::Semaphore,
    time::timeout,
};

use self::allowed::Allowed;
use crate::{Failure, LogBook, LogStream};

/// Connections of one sandbox at a time. Further ones wait.
const CONNECTIONS: usize = 256;

/// For how long a host may take to accept a connection.
const TO_CONNECT: Duration = Duration::from_secs(15);

/// How long to wait after a connection could not be accepted, as when files run out.
const PAUSE: Duration = Duration::from_millis(100);

/// The proxy of one sandbox.
#[derive(Debug)]
pub struct Proxy {
    /// `None` for every host.
    allowed: Option<Allowed>,
    /// What sandboxes know the service by, and where it is.
    service: Option<(String, SocketAddr)>,
    is_forbidden: fn(IpAddr) -> bool,
    logs: Arc<LogBook>,
}

/// Why a connection is not made.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("This sandbox may not reach {0}: it is not in the agent's list of allowed hosts.")]
    NotAllowed(String),
    #[error("This sandbox may not reach {0}: the name leads to an address of this machine or its cloud.")]
    Forbidden(String),
    #[error("{0} can't be reached: {1}.")]
    Unreachable(String, io::Error),
}

impl Proxy {
    /// A proxy to these hosts: `api.example.com`, `*.example.com`, each with `:PORT` or else for 80 and 443.
    /// What it refuses is also said in the log.
    pub fn new(hosts: &[String], logs: Arc<LogBook>) -> Result<Self, Failure> {
        Ok(Self { allowed: Some(Allowed::parse(hosts)?), ..Self::open(logs) })
    }

    /// A proxy to every host, on any port.
    pub fn open(logs: Arc<LogBook>) -> Self {
        Self { allowed: None, service: None, is_forbidden: address::is_forbidden, logs }
    }

    /// Lets sandboxes through to the service, which they know as `name` (`host:port`): programs that are told
    /// of a proxy use it for everything, some even where they are told not to.
    #[must_use]
    pub fn with_service(mut self, name: String, address: SocketAddr) -> Self {
        self.service = Some((name, address));
        self
    }

    /// Serves whoever connects; where `only` is given, only from that address.
    pub async fn serve(self, listener: TcpListener, only: Option<IpAddr>) {
        let (proxy, places) = (Arc::new(self), Arc::new(Semaphore::new(CONNECTIONS)));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((connection, peer)) if only.is_none_or(|only| only == peer.ip()) => {
                    let proxy = Arc::clone(&proxy);
                    tokio::spawn(async move {
                        proxy.speak(connection, Arc::new(place)).await;
                    });
                }
                Ok((_, peer)) => tracing::warn!(%peer, "a stranger knocked at a sandbox's proxy"),
                Err(error) => {
                    tracing::warn!(%error, "a connection to a sandbox's proxy could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn speak(self: Arc<Self>, connection: TcpStream, place: pass::Place) {
        let answer = service_fn(|request| {
            let (proxy, place) = (Arc::clone(&self), Arc::clone(&place));
            async move { Ok::<_, std::convert::Infallible>(pass::answer(&proxy, request, place).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).preserve_header_case(true);
        // How it ends is the program's affair.
        let _ = server.serve_connection(TokioIo::new(connection), answer).with_upgrades().await;
    }

    /// A connection to a host, if the sandbox may have one.
    async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, Refusal> {
        let dialled = self.dial_allowed(host, port).await;
        if let Err(refusal) = &dialled {
            self.logs.add(LogStream::Platform, refusal.to_string().as_bytes());
        }
        dialled
    }

    async fn dial_allowed(&self, host: &str, port: u16) -> Result<TcpStream, Refusal> {
        let name = format!("{host}:{port}");
        if let Some((_, address)) = self.service.as_ref().filter(|(service, _)| *service == name) {
            let connected = TcpStream::connect(address).await;
            return connected.map_err(|error| Refusal::Unreachable(name, error));
        }
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(host, port)) {
            return Err(Refusal::NotAllowed(name));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match lookup_host((bare, port)).await {
            Ok(found) => found.collect(),
            Err(error) => return Err(Refusal::Unreachable(name, error)),
        };
        let mut failed = None;
        for address in found.into_iter().filter(|address| !(self.is_forbidden)(address.ip())) {
            match timeout(TO_CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = Some(error),
                Err(_) => failed = Some(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(match failed {
            Some(error) => Refusal::Unreachable(name, error),
            None => Refusal::Forbidden(name),
        })
    }
}

#[cfg(test)]
mod tests;
