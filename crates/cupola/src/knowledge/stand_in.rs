//! A stand-in for a model server in tests: what it answers to a body is said by a function.
#![allow(clippy::unwrap_used)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, Once},
};

use cupola_models::{Catalog, ModelsConfig, catalog::Resolved};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A status and a body.
pub type Answer = (u16, Value);

type Answering = dyn Fn(&Value) -> Answer + Send + Sync;

/// A model server on a loopback address.
pub struct StandIn {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl StandIn {
    pub async fn start(answer: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer): (_, Arc<Answering>) = (Arc::clone(&asked), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { address, asked, task }
    }

    /// A deployment of this server, found as the service finds it.
    pub async fn deployment(&self) -> Resolved {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
        let config = format!(
            "[providers.up]\nkind = 'openai'\nbase_url = 'http://{}/v1'\nretries = 0\n\
             [deployments.embedding]\nprovider = 'up'\nmodel = 'small'",
            self.address
        );
        let config: ModelsConfig = toml::from_str(&config).unwrap();
        Catalog::build(&config, &|_| None).await.unwrap().resolve("embedding").unwrap()
    }

    /// The bodies of all calls.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A refusal with these words.
pub fn refusal(status: u16, words: &str) -> Answer {
    (status, json!({"error": {"message": words}}))
}

async fn serve(mut socket: TcpStream, answer: Arc<Answering>, log: Arc<Mutex<Vec<Value>>>) {
    let Some(body) = read_request(&mut socket).await else { return };
    let (status, answer) = answer(&body);
    log.lock().unwrap().push(body);
    let answer = answer.to_string();
    let head =
        format!("HTTP/1.1 {status} Told\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
    // The caller may have gone.
    let _ = socket.write_all(format!("{head}{answer}").as_bytes()).await;
}

async fn read_request(socket: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let body = &bytes[end + 4..];
        if body.len() >= length.parse().unwrap() {
            return Some(serde_json::from_slice(body).unwrap());
        }
    }
}
