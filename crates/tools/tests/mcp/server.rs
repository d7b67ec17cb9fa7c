//! A server of the protocol that behaves as a test wants.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use cupola_tools::mcp::Server;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// What the server does with a request: its answer, or another behaviour.
pub enum Does {
    /// Answers with this result.
    Result(Value),
    /// Refuses with this error.
    Error(Value),
    /// Answers with this status, type and body.
    Says(u16, &'static str, String),
    /// Never answers.
    Hangs,
    /// Begins a stream of these messages; then it goes on, or breaks off.
    Streams(Vec<Value>, Then),
}

/// What comes after the messages of a stream.
pub enum Then {
    /// The result.
    Result(Value),
    /// A broken connection.
    Breaks,
}

type Rule = dyn Fn(&str, &Value) -> Option<Does> + Send + Sync;

/// A request that came: the method of the protocol, and the headers.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub headers: HeaderMap,
}

struct Inner {
    rule: Box<Rule>,
    asked: Mutex<Vec<Asked>>,
    came: watch::Sender<usize>,
    /// Where messages of the older transport go.
    older: Mutex<Option<mpsc::UnboundedSender<String>>>,
    /// What the older transport names as the address to post to; the newer one is spoken without.
    endpoint: Option<&'static str>,
}

/// A server that runs as long as its test.
#[derive(Clone)]
pub struct Scripted {
    inner: Arc<Inner>,
    pub url: url::Url,
}

impl Scripted {
    /// Speaks streamable HTTP. What the rule says nothing about is answered as a good server does.
    pub async fn start(rule: impl Fn(&str, &Value) -> Option<Does> + Send + Sync + 'static) -> Self {
        Self::serving(None, rule).await
    }

    /// Speaks the older transport.
    pub async fn older(endpoint: &'static str) -> Self {
        Self::serving(Some(endpoint), |_, _| None).await
    }

    async fn serving(
        endpoint: Option<&'static str>,
        rule: impl Fn(&str, &Value) -> Option<Does> + Send + Sync + 'static,
    ) -> Self {
        let inner = Arc::new(Inner {
            rule: Box::new(rule),
            asked: Mutex::default(),
            came: watch::Sender::new(0),
            older: Mutex::default(),
            endpoint,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(handle).with_state(Arc::clone(&inner));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { inner, url }
    }

    pub fn server(&self) -> Server {
        Server::new("demo", self.url.clone())
    }

    /// The requests of a method that came.
    pub fn asked(&self, method: &str) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().iter().filter(|asked| asked.method == method).cloned().collect()
    }

    /// Waits for a request of this method.
    pub async fn until_asked(&self, method: &str) -> Asked {
        let mut came = self.inner.came.subscribe();
        loop {
            if let Some(asked) = self.asked(method).pop() {
                return asked;
            }
            came.changed().await.unwrap();
        }
    }
}

async fn handle(
    State(inner): State<Arc<Inner>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match (method, inner.endpoint) {
        (Method::GET, Some(endpoint)) => older_stream(&inner, endpoint),
        (Method::POST, None) => answer(&inner, headers, &body).await,
        (Method::POST, Some(_)) if headers.get("accept").is_some() && is_posted(&inner) => {
            older_message(&inner, headers, &body)
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn is_posted(inner: &Inner) -> bool {
    inner.older.lock().unwrap().is_some()
}

fn note(inner: &Inner, headers: HeaderMap, message: &Value) {
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    inner.asked.lock().unwrap().push(Asked { method, headers });
    inner.came.send_modify(|count| *count += 1);
}

async fn answer(inner: &Inner, headers: HeaderMap, body: &[u8]) -> Response {
    let message: Value = serde_json::from_slice(body).unwrap();
    note(inner, headers, &message);
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let method = message["method"].as_str().unwrap_or_default();
    let does = (inner.rule)(method, &message["params"]);
    let result = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
    match does.unwrap_or_else(|| Does::Result(good(method, &message["params"]))) {
        Does::Result(said) => {
            ([(CONTENT_TYPE, "application/json"), SESSION], result(said).to_string()).into_response()
        }
        Does::Error(error) => {
            let said = json!({"jsonrpc": "2.0", "id": id, "error": error});
            ([(CONTENT_TYPE, "application/json")], said.to_string()).into_response()
        }
        Does::Says(status, content, body) => {
            (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, content)], body).into_response()
        }
        Does::Hangs => std::future::pending().await,
        Does::Streams(mut messages, then) => {
            if let Then::Result(said) = &then {
                messages.push(result(said.clone()));
            }
            streamed(messages, matches!(then, Then::Breaks))
        }
    }
}

const SESSION: (axum::http::HeaderName, &str) =
    (axum::http::HeaderName::from_static("mcp-session-id"), "session-1");

/// Messages as events, one every 60 milliseconds.
fn streamed(messages: Vec<Value>, breaks: bool) -> Response {
    let events = messages.into_iter().map(|message| Ok(format!("event: message\ndata: {message}\n\n")));
    let end = breaks.then(|| Err(std::io::Error::other("as it was told")));
    let all = stream::unfold(events.chain(end).collect::<Vec<_>>().into_iter(), |mut rest| async {
        let next = rest.next()?;
        tokio::time::sleep(Duration::from_millis(60)).await;
        Some((next, rest))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(all)).into_response()
}

fn older_stream(inner: &Inner, endpoint: &str) -> Response {
    let (sender, receiver) = mpsc::unbounded_channel();
    let _ = sender.send(format!("event: endpoint\ndata: {endpoint}\n\n"));
    *inner.older.lock().unwrap() = Some(sender);
    let events = stream::unfold(receiver, |mut receiver| async {
        let event = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

fn older_message(inner: &Inner, headers: HeaderMap, body: &[u8]) -> Response {
    let message: Value = serde_json::from_slice(body).unwrap();
    note(inner, headers, &message);
    if let Some(id) = message.get("id") {
        let result = good(message["method"].as_str().unwrap_or_default(), &message["params"]);
        let said = json!({"jsonrpc": "2.0", "id": id, "result": result});
        if let Some(sender) = &*inner.older.lock().unwrap() {
            let _ = sender.send(format!("event: message\ndata: {said}\n\n"));
        }
    }
    StatusCode::ACCEPTED.into_response()
}

/// What a good server answers: it has two tools, which say what they were told.
fn good(method: &str, params: &Value) -> Value {
    match method {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1"},
        }),
        "tools/list" if params["cursor"] == "second" => json!({"tools": [tool("pay")]}),
        "tools/list" => json!({"tools": [tool("look")], "nextCursor": "second"}),
        "tools/call" => said(&params["arguments"].to_string()),
        _ => json!({}),
    }
}

pub fn tool(name: &str) -> Value {
    json!({"name": name, "description": "A tool.", "inputSchema": {"type": "object"}})
}

pub fn said(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": false})
}
