//! What stands in front of a registry: it writes down what is asked for and, where a rule says so, answers
//! itself, breaks off or says nothing.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};

/// What becomes of a request.
pub enum Fate {
    /// The registry answers it.
    Pass,
    /// This is the answer.
    Answer(StatusCode, HeaderMap, String),
    /// The registry's answer breaks off after so many bytes.
    BreakOff(usize),
    /// The registry's answer with other bytes in place of its own.
    Damage,
    /// It is never answered.
    Silence,
}

/// A request, as rules see it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

impl Asked {
    pub fn is_blob(&self, digest: &str) -> bool {
        self.uri.path().ends_with(&format!("/blobs/{digest}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

type Rule = dyn Fn(&Asked) -> Fate + Send + Sync;

/// The front of a registry.
#[derive(Clone)]
pub struct Front {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

struct Inner {
    registry: Option<SocketAddr>,
    rule: Box<Rule>,
    http: reqwest::Client,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Front {
    /// Stands in front of a registry that lets everything pass.
    pub async fn open(registry: SocketAddr) -> Self {
        Self::new(Some(registry), |_| Fate::Pass).await
    }

    pub async fn new(
        registry: Option<SocketAddr>,
        rule: impl Fn(&Asked) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        tokio::spawn(axum::serve(listener, router(registry, rule, Arc::clone(&asked))).into_future());
        Self { address, asked }
    }

    /// The same image, asked for here.
    pub fn reference(&self, reference: &str) -> String {
        let (_, rest) = reference.split_once('/').unwrap();
        format!("{}/{rest}", self.address)
    }

    /// What was asked for below `/v2/NAME/`: `GET blobs`, `HEAD manifests`, …
    pub fn kinds(&self) -> Vec<String> {
        let kind = |asked: &Asked| {
            let parts: Vec<&str> = asked.uri.path().split('/').collect();
            let kind = parts.iter().find(|part| matches!(**part, "blobs" | "manifests"))?;
            Some(format!("{} {kind}", asked.method))
        };
        self.asked.lock().unwrap().iter().filter_map(kind).collect()
    }

    pub fn asked_for_blob(&self, digest: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.is_blob(digest)).cloned().collect()
    }

    pub fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }
}

/// What a front does, without its listener.
pub fn router(
    registry: Option<SocketAddr>,
    rule: impl Fn(&Asked) -> Fate + Send + Sync + 'static,
    asked: Arc<Mutex<Vec<Asked>>>,
) -> Router {
    let inner = Inner { registry, rule: Box::new(rule), http: reqwest::Client::new(), asked };
    Router::new().fallback(answer).with_state(Arc::new(inner))
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers };
    inner.asked.lock().unwrap().push(asked.clone());
    match (inner.rule)(&asked) {
        Fate::Pass => pass(&inner, asked, |_| None).await,
        Fate::Answer(status, headers, body) => (status, headers, body).into_response(),
        Fate::BreakOff(after) => pass(&inner, asked, move |bytes| Some((bytes.slice(..after), true))).await,
        Fate::Damage => pass(&inner, asked, |bytes| Some((vec![b'x'; bytes.len()].into(), false))).await,
        Fate::Silence => std::future::pending().await,
    }
}

/// Passes a request on. What is to be sent in place of the body may be said, and whether it breaks off then.
async fn pass(inner: &Inner, asked: Asked, change: impl FnOnce(&Bytes) -> Option<(Bytes, bool)>) -> Response {
    let registry = inner.registry.expect("a rule answers where there is no registry");
    let url = format!("http://{registry}{}", asked.uri);
    let mut headers = asked.headers;
    headers.remove(header::HOST);
    headers.remove(header::AUTHORIZATION);
    let answer = inner.http.request(asked.method, url).headers(headers).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    let body = match change(&body) {
        None => Body::from(body),
        Some((bytes, false)) => Body::from(bytes),
        Some((bytes, true)) => {
            // What was sent is on its way before the end comes.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::Error::other("the rule says so"))
            });
            Body::from_stream(stream::iter([Ok(bytes)]).chain(end))
        }
    };
    (status, headers, body).into_response()
}
