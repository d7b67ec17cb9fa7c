//! Requests of both transports: through the guarded client, with the server's headers and within limits.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::BoxStream};
use http::{HeaderName, HeaderValue, Method, StatusCode, header::ACCEPT};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_client::{
        SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    },
};
use sse_stream::{Sse, SseStream};
use url::Url;

use super::{Failure, Server, failure::cut};
use crate::outgoing::{Answer, Outgoing, Patience, Request};

/// The most bytes of an answer, be it JSON or events.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The most bytes that are read of an answer that says no.
const MOST_BYTES_OF_REFUSAL: usize = 16 * 1024;
/// How long is waited for the next bytes. Deadlines of requests are kept above this.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// The longest that an answer goes on.
const WHOLE: Duration = Duration::from_secs(60 * 60);

const SESSION: &str = "mcp-session-id";
const LAST_EVENT: &str = "last-event-id";
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

/// Sends requests to one server.
#[derive(Clone)]
pub struct Http {
    outgoing: Outgoing,
    server: Arc<Server>,
}

/// Events as they come.
pub type Events = BoxStream<'static, Result<Sse, SseError>>;

impl Http {
    pub fn new(outgoing: Outgoing, server: Arc<Server>) -> Self {
        Self { outgoing, server }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A request with everything that the server is told.
    fn request(&self, method: Method, url: Url) -> Result<Request, Failure> {
        let mut request = Request::new(method, url)
            .patience(Patience { head: IDLE, idle: IDLE, whole: WHOLE })
            .limit(MOST_BYTES)
            .header(ACCEPT.as_str(), &format!("{JSON}, {EVENTS}"))?;
        for (name, value) in self.server.headers() {
            request = request.secret_header(name, value)?;
        }
        Ok(request)
    }

    /// Opens a stream of events.
    pub async fn events(&self) -> Result<Events, Failure> {
        let request = self.request(Method::GET, self.server.url.clone())?;
        let answer = self.outgoing.send(request).await?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer).await);
        }
        match answer.content_type().as_str() {
            EVENTS => Ok(events(answer)),
            other => Err(self.other_content(other)),
        }
    }

    /// Posts a message that is answered elsewhere.
    pub async fn post(&self, url: Url, message: &ClientJsonRpcMessage) -> Result<(), Failure> {
        let request = self.request(Method::POST, url)?.json(&self.written(message)?);
        let answer = self.outgoing.send(request).await?;
        if answer.status().is_success() { Ok(()) } else { Err(self.refusal(answer).await) }
    }

    fn written(&self, message: &ClientJsonRpcMessage) -> Result<serde_json::Value, Failure> {
        serde_json::to_value(message).map_err(|error| self.misunderstood(&error.to_string()))
    }

    /// What an answer that says no comes to. Only its beginning is read, so that its words can be told.
    async fn refusal(&self, answer: Answer) -> Failure {
        let status = answer.status().as_u16();
        let host = self.server.host();
        let is_text = matches!(answer.content_type().as_str(), JSON | "text/plain");
        let body = tokio::time::timeout(Duration::from_secs(5), beginning(answer)).await.unwrap_or_default();
        let said = if is_text { cut(&String::from_utf8_lossy(&body)) } else { String::new() };
        Failure::Status { host, status, said }
    }

    pub fn misunderstood(&self, reason: &str) -> Failure {
        Failure::NotUnderstood { host: self.server.host(), reason: cut(reason.trim_end_matches('.')) }
    }

    fn other_content(&self, content: &str) -> Failure {
        let content = if content.is_empty() { "nothing that says its type" } else { content };
        self.misunderstood(&format!("it sends {content}"))
    }

    async fn posted(
        &self,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, StreamableHttpError<Failure>> {
        let is_request = matches!(message, ClientJsonRpcMessage::Request(_));
        let request =
            self.request(Method::POST, self.server.url.clone()).map_err(StreamableHttpError::Client)?;
        let request = request.headers(headers.into_iter().collect());
        let request = with_session(request, session.as_deref()).map_err(StreamableHttpError::Client)?;
        let request = request.json(&self.written(&message).map_err(StreamableHttpError::Client)?);
        let answer = self.outgoing.send(request).await.map_err(client)?;
        match answer.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => return Ok(StreamableHttpPostResponse::Accepted),
            StatusCode::NOT_FOUND if session.is_some() => return Err(StreamableHttpError::SessionExpired),
            status if !status.is_success() => {
                return Err(StreamableHttpError::Client(self.refusal(answer).await));
            }
            _ if !is_request => return Ok(StreamableHttpPostResponse::Accepted),
            _ => {}
        }
        let opened = answer.headers().get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        match answer.content_type().as_str() {
            EVENTS => Ok(StreamableHttpPostResponse::Sse(events(answer), opened)),
            JSON => {
                let body = answer.bytes().await.map_err(client)?;
                let message: ServerJsonRpcMessage = serde_json::from_slice(&body).map_err(|error| {
                    StreamableHttpError::Client(
                        self.misunderstood(&format!("its answer can't be read: {error}")),
                    )
                })?;
                Ok(StreamableHttpPostResponse::Json(message, opened))
            }
            other => Err(StreamableHttpError::Client(self.other_content(other))),
        }
    }
}

impl StreamableHttpClient for Http {
    type Error = Failure;

    async fn post_message(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, StreamableHttpError<Failure>> {
        self.posted(message, session_id, custom_headers).await
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), StreamableHttpError<Failure>> {
        let request = self.request(Method::DELETE, self.server.url.clone());
        let request =
            request.map_err(StreamableHttpError::Client)?.headers(custom_headers.into_iter().collect());
        let request = with_session(request, Some(&session_id)).map_err(StreamableHttpError::Client)?;
        // Whether it can be deleted is the server's business.
        self.outgoing.send(request).await.map(drop).map_err(client)
    }

    async fn get_stream(
        &self,
        _uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, StreamableHttpError<Failure>> {
        // Nothing is wanted that a server says by itself: only answers that broke off are read on.
        let Some(last) = last_event_id else { return Err(StreamableHttpError::ServerDoesNotSupportSse) };
        let request =
            self.request(Method::GET, self.server.url.clone()).map_err(StreamableHttpError::Client)?;
        let request = request.headers(custom_headers.into_iter().collect());
        let request = with_session(request, session_id.as_deref())
            .and_then(|request| Ok(request.header(LAST_EVENT, &last)?))
            .map_err(StreamableHttpError::Client)?;
        let answer = self.outgoing.send(request).await.map_err(client)?;
        if answer.status().is_success() && answer.content_type() == EVENTS {
            return Ok(events(answer));
        }
        Err(StreamableHttpError::ServerDoesNotSupportSse)
    }
}

fn with_session(request: Request, session: Option<&str>) -> Result<Request, Failure> {
    match session {
        Some(session) => Ok(request.header(SESSION, session)?),
        None => Ok(request),
    }
}

fn client(failure: crate::outgoing::Failure) -> StreamableHttpError<Failure> {
    StreamableHttpError::Client(Failure::Outgoing(failure))
}

fn events(answer: Answer) -> Events {
    SseStream::from_bytes_stream(answer.into_stream()).boxed()
}

async fn beginning(mut answer: Answer) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(Some(bytes)) = answer.chunk().await {
        all.extend_from_slice(&bytes);
        if all.len() > MOST_BYTES_OF_REFUSAL {
            break;
        }
    }
    all
}
