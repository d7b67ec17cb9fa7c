//! The accept loop: TLS, HTTP/1.1 and HTTP/2, and an end that lets requests finish.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use crate::{Service, linger::Lingering, local_identity::Peer, operations};

/// Connections at once; the ones above wait in the system's queue.
const MAX_CONNECTIONS: usize = 8192;
/// A client that does not finish the TLS handshake within this time is let go.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(15);
/// A client that sends no complete header within this time is let go; idle connections count as well.
const HEADER_PATIENCE: Duration = Duration::from_secs(75);
/// The pause after the system could not give us a connection, for example for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection's place among those that may be open at once. Whoever goes on using a connection after its
/// last request keeps it.
#[derive(Clone, Debug)]
pub struct Slot(#[expect(dead_code, reason = "held, not used")] Arc<OwnedSemaphorePermit>);

/// A server that is bound to its address, and not serving yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// Says when a server has to stop.
pub type Stopped = watch::Receiver<bool>;

impl Server {
    /// Binds the address; port 0 means any free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopped`, then lets open requests finish for as long as `grace`.
    pub async fn serve(
        self,
        service: Service,
        tls: Arc<rustls::ServerConfig>,
        mut stopped: Stopped,
        grace: Duration,
    ) {
        let router = operations::router(service);
        let acceptor = TlsAcceptor::from(tls);
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let watcher = graceful.watcher();
            let (acceptor, router) = (acceptor.clone(), router.clone());
            let slot = Slot(Arc::new(permit));
            tokio::spawn(async move {
                if let Err(error) = serve_connection(stream, peer, slot, acceptor, router, watcher).await {
                    tracing::debug!(%peer, %error, "a connection ended early");
                }
            });
        }
        drop(self.listener);
        let all_ended = async {
            graceful.shutdown().await;
            // Connections that became WebSockets have ended once all places are free.
            let _ = connections.acquire_many(MAX_CONNECTIONS as u32).await;
        };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            tracing::info!("some connections did not end in time and were closed");
        }
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    slot: Slot,
    acceptor: TlsAcceptor,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), AnyError> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream)).await??;
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(slot.clone());
        // Cloning a router is cloning a pointer.
        router.clone().call(request.map(Lingering::new))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE).max_headers(128);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(256)
        .max_header_list_size(64 * 1024);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    watcher.watch(connection).await
}
