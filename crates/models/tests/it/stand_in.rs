//! A stand-in for a model server: answers each connection with prepared bytes, however wrong they are.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// These bytes, in one write.
    Send(String),
    /// Long enough that the bytes before and after arrive separately.
    Pause,
    /// Nothing more, and the connection stays open.
    Hang,
}

/// What the server was sent.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: serde_json::Value,
}

pub struct StandIn {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

/// An address at which nobody listens.
pub fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    /// A server that gives these answers, one per request, and closes the connection after each.
    pub async fn start(answers: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let answers: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(answers.into_iter().collect()));
        let log = Arc::clone(&received);
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket, Arc::clone(&answers), Arc::clone(&log)));
            }
        });
        Self { address, received, task }
    }

    pub async fn answering(bytes: impl Into<String>) -> Self {
        Self::start([vec![Step::Send(bytes.into())]]).await
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(
    mut socket: TcpStream,
    answers: Arc<Mutex<VecDeque<Vec<Step>>>>,
    log: Arc<Mutex<Vec<Received>>>,
) {
    // A connection that is opened only to see whether somebody listens gets no answer.
    let Some(request) = read_request(&mut socket).await else { return };
    log.lock().unwrap().push(request);
    let steps = answers.lock().unwrap().pop_front().unwrap_or_default();
    for step in steps {
        match step {
            Step::Send(bytes) => {
                // The reader may have gone, which is what some tests are about.
                if socket.write_all(bytes.as_bytes()).await.is_err() {
                    return;
                }
            }
            Step::Pause => tokio::time::sleep(Duration::from_millis(15)).await,
            Step::Hang => std::future::pending().await,
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            let body = serde_json::from_str(body).unwrap_or_default();
            return Some(Received { head, body });
        }
    }
}

/// A whole answer with a status line, headers and a body that ends with the connection.
pub fn answer(status: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n{body}")
}

/// The head of a streamed answer.
pub fn stream_head() -> String {
    answer("200 OK", &["Content-Type: text/event-stream"], "")
}

/// A `data:` event.
pub fn event(json: &str) -> String {
    format!("data: {json}\n\n")
}

/// An event with a piece of text.
pub fn text_event(text: &str) -> String {
    event(&format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#))
}

/// An event with the reason of the end, and `[DONE]`.
pub fn end_events(reason: &str) -> String {
    let end = event(&format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#));
    format!("{end}data: [DONE]\n\n")
}
