//! What the same machine does with less: a bare echo server over TLS, one durable commit, a process that
//! only prints its version.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio_rustls::TlsAcceptor;

use super::client::{self, Client, Target};

/// The name of the threads that the echo server runs on.
pub const ECHO_THREAD: &str = "bench-echo";
/// As long as a typical document of the service.
const BODY: &str = r#"{"role":"user","content":"What is the capital of France?","metadata":{}}"#;
const DOCUMENT: [u8; 1024] = [b'x'; 1024];

/// axum over rustls that sends back what it gets; it serves until it is dropped.
pub struct Echo {
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    _runtime: Runtime,
}

impl Echo {
    /// Starts it on a free port, with as many threads as there are cores.
    pub fn start() -> Result<Self> {
        let names = [Ipv4Addr::LOCALHOST.to_string()];
        let made = rcgen::generate_simple_self_signed(names).context("no certificate")?;
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
            .map_err(|error| anyhow::anyhow!("no key: {error}"))?;
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .context("the certificate cannot be used")?;
        let runtime = runtime::Builder::new_multi_thread()
            .thread_name(ECHO_THREAD)
            .enable_all()
            .build()
            .context("no event loop for the echo server")?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).context("no port")?;
        let address = listener.local_addr().context("no port")?;
        runtime.spawn(accept(listener, TlsAcceptor::from(Arc::new(tls))));
        Ok(Self { address, tls: client::trust_in(made.cert.der().clone())?, _runtime: runtime })
    }

    /// What a client needs to know.
    pub fn target(&self) -> Target {
        Target { address: self.address, tls: Some(Arc::clone(&self.tls)), bearer: None }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    let router = Router::new().route("/echo", post(|body: Bytes| async { body }));
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let connection = hyper::server::conn::http1::Builder::new();
            // A client that goes away is no concern of the echo server.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// One echo call.
pub fn echo(client: &mut Client) -> Result<()> {
    let answer = client.post("/echo", BODY)?;
    ensure!(answer == BODY, "the echo is not what was sent");
    Ok(())
}

/// A database on the disk that the service uses, as durable as the service's own.
pub struct Disk {
    database: rusqlite::Connection,
    _directory: TempDir,
}

impl Disk {
    /// A new one.
    pub fn open(scratch: &Path) -> Result<Self> {
        let directory = tempfile::tempdir_in(scratch).context("no temporary directory")?;
        let database = rusqlite::Connection::open(directory.path().join("commits.db"))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute_batch(
            "CREATE TABLE documents (id INTEGER PRIMARY KEY, document BLOB NOT NULL) STRICT",
        )?;
        Ok(Self { database, _directory: directory })
    }

    /// One insertion and its durable commit.
    pub fn commit(&mut self) -> Result<()> {
        let insert = "INSERT INTO documents (document) VALUES (?1)";
        self.database.prepare_cached(insert)?.execute([&DOCUMENT[..]])?;
        Ok(())
    }
}

/// The time that the binary needs to print its version: the cost of starting it at all.
pub fn bare_start(binary: &Path) -> Result<Duration> {
    let began = Instant::now();
    let mut command = Command::new(binary);
    let status = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{} --version: {status}", binary.display());
    Ok(began.elapsed())
}
