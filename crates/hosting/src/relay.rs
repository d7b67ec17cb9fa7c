//! Connections that sandboxes open to the service are passed on to where it listens.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// How long to wait after a connection could not be accepted, as when files run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Passes on what comes, until it is dropped. As many connections as there are places are open at a time, and
/// further ones wait.
pub(crate) async fn pass_on(listener: TcpListener, service: SocketAddr, places: Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((sandbox, _)) => {
                tokio::spawn(async move {
                    splice(sandbox, service).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection from a sandbox could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn splice(mut sandbox: TcpStream, service: SocketAddr) {
    // A service that is not there is told by the connection that closes.
    if let Ok(mut service) = TcpStream::connect(service).await {
        // Small answers are not to wait for large ones.
        let _ = (sandbox.set_nodelay(true), service.set_nodelay(true));
        // How it ends, both ends know already.
        let _ = copy_bidirectional(&mut sandbox, &mut service).await;
    }
}
