//! A provider for every server that speaks OpenAI's chat completions, Azure OpenAI among them.

mod answer;
mod assemble;
mod body;
mod chunk;
mod raw;
mod retry;
mod send;
mod sse;
mod words;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{Client, header::HeaderMap, header::HeaderValue, redirect};
use serde::Deserialize;
use url::Url;

pub use body::LengthField;
pub use retry::RetryPolicy;
use send::Refusal;
use words::Origin;
pub(crate) use words::{Complaint, without_credentials};

use crate::{
    Fault, FaultKind, ModelRequest, ModelStream, Provider, RawAnswer, RawOperation, RawRefusal, Secret,
    tokens,
};

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The provider's name in the configuration.
    pub name: String,
    /// `https://host/v1`, or for Azure the resource's endpoint.
    pub base_url: Url,
    /// Whose paths and headers it expects.
    pub dialect: Dialect,
    /// Its key, if it wants one.
    pub key: Option<Secret>,
    /// How long to wait for it.
    pub patience: Patience,
    /// When to try again.
    pub retry: RetryPolicy,
    /// The field that limits an answer's length.
    pub length_field: LengthField,
}

/// Whose paths and headers a server expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `{base}/chat/completions`, `Authorization: Bearer`.
    OpenAi,
    /// `{base}/openai/deployments/{model}/chat/completions`, `api-key`.
    Azure {
        /// The `api-version` that is asked for.
        api_version: String,
    },
}

/// How long to wait. The total is the caller's to limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// From sending a request to the first bytes of its answer.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
        }
    }
}

/// The provider.
#[derive(Debug)]
pub struct OpenAi {
    upstream: Upstream,
    http: Client,
    origin: Arc<Origin>,
    /// The server refused `max_completion_tokens` once; from then on it gets `max_tokens`.
    prefers_max_tokens: AtomicBool,
}

impl OpenAi {
    /// Sets up the provider; nothing is sent yet.
    ///
    /// The process must have installed a rustls crypto provider before.
    pub fn new(upstream: Upstream) -> Result<Self, Fault> {
        let origin = Arc::new(Origin::new(&upstream.name, &upstream.base_url, upstream.key.clone()));
        let client = client(&upstream).map_err(|error| {
            origin.fault(FaultKind::Unreachable, "can't be used with these settings", &send::cause(&error))
        })?;
        Ok(Self { upstream, http: client, origin, prefers_max_tokens: AtomicBool::new(false) })
    }

    fn length_field(&self) -> LengthField {
        if self.prefers_max_tokens.load(Ordering::Relaxed) {
            LengthField::MaxTokens
        } else {
            self.upstream.length_field
        }
    }

    fn encode(&self, request: &ModelRequest) -> Result<Bytes, Fault> {
        body::encode(request, self.length_field()).map(Bytes::from).map_err(|error| {
            self.origin.fault(FaultKind::Rejected, "can't be sent this request", &error.to_string())
        })
    }

    fn url_of(&self, operation: &[&str], model: &str) -> Url {
        match &self.upstream.dialect {
            Dialect::OpenAi => extended(&self.upstream.base_url, operation),
            Dialect::Azure { api_version } => {
                let path = [&["openai", "deployments", model], operation].concat();
                let mut url = extended(&self.upstream.base_url, &path);
                url.query_pairs_mut().append_pair("api-version", api_version);
                url
            }
        }
    }
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.upstream.name
    }

    async fn call(&self, request: &ModelRequest) -> Result<ModelStream, Fault> {
        let url = self.url_of(RawOperation::ChatCompletions.path(), &request.model);
        let field = self.length_field();
        let mut outcome = self.send_with_retries(&url, self.encode(request)?).await;
        if let Err(refusal) = &outcome
            && field == LengthField::MaxCompletionTokens
            && refusal.is_about("max_completion_tokens")
        {
            self.prefers_max_tokens.store(true, Ordering::Relaxed);
            outcome = self.send_with_retries(&url, self.encode(request)?).await;
        }
        match outcome {
            Ok(opened) => Ok(answer::read(opened, self.upstream.patience.idle, Arc::clone(&self.origin))),
            Err(Refusal { fault, .. }) if fault.kind == FaultKind::UnknownModel => {
                Err(self.with_known_models(fault).await)
            }
            Err(refusal) => Err(refusal.fault),
        }
    }

    async fn raw(
        &self,
        operation: RawOperation,
        model: &str,
        body: Bytes,
    ) -> Result<Option<RawAnswer>, RawRefusal> {
        self.pass(operation, model, body).await.map(Some)
    }

    /// Azure does not list deployments to a key: the list is empty there.
    async fn models(&self) -> Result<Vec<String>, Fault> {
        if self.upstream.dialect != Dialect::OpenAi {
            return Ok(Vec::new());
        }
        let wait = self.upstream.patience.first_byte;
        let listing = self.list_models(extended(&self.upstream.base_url, &["models"]));
        tokio::time::timeout(wait, listing).await.unwrap_or_else(|_| {
            Err(self.origin.fault(FaultKind::Timeout, "did not list its models in time", ""))
        })
    }

    fn count_tokens(&self, model: &str, text: &str) -> usize {
        tokens::count(model, text)
    }
}

impl OpenAi {
    async fn list_models(&self, url: Url) -> Result<Vec<String>, Fault> {
        let response = self.http.get(url).send().await.map_err(|error| self.transport_fault(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.transport_fault(&error))?;
        if !status.is_success() {
            return Err(self.refusal(status, None, &body).fault);
        }
        let list: ModelList = serde_json::from_slice(&body).map_err(|_| {
            let words = words::Complaint::read(&body).message;
            self.origin.fault(FaultKind::Broken, "answered /models with something else than a list", &words)
        })?;
        Ok(list.data.into_iter().map(|model| model.id).collect())
    }

    /// Adds the names that exist, if the server tells them quickly.
    async fn with_known_models(&self, mut fault: Fault) -> Fault {
        let listed = tokio::time::timeout(Duration::from_secs(2), self.models()).await;
        let advice = match listed {
            Ok(Ok(names)) if !names.is_empty() => format!("Models that it has: {}.", names.join(", ")),
            _ => "Check the model's name and the provider's base_url.".to_owned(),
        };
        let stop = if fault.message.ends_with(['.', '!', '?']) { "" } else { "." };
        fault.message = format!("{}{stop} {advice}", fault.message);
        fault
    }
}

/// The answer to `GET /models`.
#[derive(Deserialize)]
pub(crate) struct ModelList {
    pub(crate) data: Vec<ListedModel>,
}

#[derive(Deserialize)]
pub(crate) struct ListedModel {
    pub(crate) id: String,
}

/// `base` with further path segments.
fn extended(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // Only addresses without a host, which the configuration refuses, have no segments.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn client(upstream: &Upstream) -> reqwest::Result<Client> {
    let mut builder = Client::builder()
        .connect_timeout(upstream.patience.connect)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(64)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("cupola/", env!("CARGO_PKG_VERSION")))
        .default_headers(credentials(upstream));
    if is_loopback(&upstream.base_url) {
        builder = builder.no_proxy();
    }
    if upstream.base_url.scheme() == "http" {
        // Reading the system's certificates takes milliseconds and they are not needed.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

fn credentials(upstream: &Upstream) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(key) = &upstream.key else { return headers };
    let (name, value) = match upstream.dialect {
        Dialect::OpenAi => ("authorization", format!("Bearer {}", key.expose())),
        Dialect::Azure { .. } => ("api-key", key.expose().to_owned()),
    };
    // The catalog refuses keys that are not visible ASCII, so this does not fail.
    if let Ok(mut value) = HeaderValue::from_str(&value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
