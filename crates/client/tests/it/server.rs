//! An HTTP server that gives prepared answers in order and keeps what it was asked.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cupola_client::{AgentsClient, ClientOptions, ProjectClient};
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody, combinators::BoxBody};
use hyper::{Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method, path and query in one line.
    pub line: String,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// What the server answers.
pub enum Answer {
    /// A status, headers and a body in pieces.
    Http { status: u16, headers: Vec<(&'static str, String)>, pieces: Vec<Bytes> },
    /// The connection is closed without an answer.
    HangUp,
    /// The body breaks off after these pieces.
    BreakOff(Vec<Bytes>),
}

impl Answer {
    pub fn json(body: Value) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Http { status, headers, pieces: vec![body.to_string().into()] }
    }

    pub fn bytes(pieces: &[&'static str]) -> Self {
        let pieces = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        Self::Http { status: 200, headers: Vec::new(), pieces }
    }

    pub fn bytes_of(text: String) -> Self {
        Self::Http { status: 200, headers: Vec::new(), pieces: vec![text.into()] }
    }

    pub fn events(events: &[(&str, Value)]) -> Self {
        let text: String =
            events.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect();
        let headers = vec![("content-type", "text/event-stream; charset=utf-8".to_owned())];
        let pieces = vec![text.into(), "event: done\ndata: [DONE]\n\n".into()];
        Self::Http { status: 200, headers, pieces }
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

/// The server; it lives as long as the test's runtime.
pub struct Server {
    address: SocketAddr,
    secure: bool,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::serve(answers, None).await
    }

    pub async fn start_tls(answers: impl IntoIterator<Item = Answer>, tls: TlsAcceptor) -> Self {
        Self::serve(answers, Some(tls)).await
    }

    async fn serve(answers: impl IntoIterator<Item = Answer>, tls: Option<TlsAcceptor>) -> Self {
        let script = Script { answers: answers.into_iter().collect(), asked: Vec::new() };
        let script = Arc::new(Mutex::new(script));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let secure = tls.is_some();
        let shared = script.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (script, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                connection(socket, script).await;
                            }
                        }
                        None => connection(socket, script).await,
                    }
                });
            }
        });
        Self { address, secure, script }
    }

    pub fn endpoint(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://localhost:{}/api/projects/demo", self.address.port())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client that retries at once, so that tests do not wait.
    pub fn client(&self) -> AgentsClient {
        AgentsClient::with_key_and_options(&self.endpoint(), "test-key", quick()).unwrap()
    }

    /// The same for the newer API.
    pub fn project(&self) -> ProjectClient {
        ProjectClient::with_key_and_options(&self.endpoint(), "test-key", quick()).unwrap()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

/// Options with retries that do not wait.
pub fn quick() -> ClientOptions {
    use azure_core::http::{ClientOptions as AzureOptions, FixedRetryOptions, RetryOptions};
    let delay = azure_core::time::Duration::milliseconds(1);
    let retry = RetryOptions::fixed(FixedRetryOptions { delay, max_retries: 3, ..Default::default() });
    ClientOptions { azure: AzureOptions { retry, ..Default::default() }, ..Default::default() }
}

async fn connection<S>(socket: S, script: Arc<Mutex<Script>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(request, script.clone()));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    // A prepared hang-up is an error of this connection and of nothing else.
    let _ = served.await;
}

type Body = BoxBody<Bytes, std::io::Error>;

async fn answer(request: Request<Incoming>, script: Arc<Mutex<Script>>) -> std::io::Result<Response<Body>> {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let next = {
        let mut script = script.lock().unwrap();
        script.asked.push(Asked { line, headers, body });
        script.answers.pop_front()
    };
    match next {
        Some(Answer::Http { status, headers, pieces }) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(body_of(pieces, None)).unwrap())
        }
        Some(Answer::HangUp) => Err(std::io::Error::other("hang up")),
        Some(Answer::BreakOff(pieces)) => {
            let end = Some(std::io::Error::other("break off"));
            Ok(Response::builder().body(body_of(pieces, end)).unwrap())
        }
        None => {
            let body = Bytes::from_static(br#"{"error":{"message":"the script has no more answers"}}"#);
            Ok(Response::builder().status(418).body(body_of(vec![body], None)).unwrap())
        }
    }
}

fn body_of(pieces: Vec<Bytes>, end: Option<std::io::Error>) -> Body {
    let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    let frames: Vec<std::io::Result<Frame<Bytes>>> =
        frames.map(|frame| frame.map_err(|never| match never {})).chain(end.map(Err)).collect();
    // Every piece is a chunk of its own on the wire.
    let frames = stream::unfold(frames.into_iter(), |mut frames| async move {
        tokio::task::yield_now().await;
        frames.next().map(|frame| (frame, frames))
    });
    BoxBody::new(StreamBody::new(Box::pin(frames)))
}
