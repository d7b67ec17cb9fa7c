//! Invocations: a request of any shape to the program of a hosted agent, and its answer as it comes.

use std::sync::Arc;

use azure_core::http::{AsyncRawResponse, Method};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{
    Error, Result,
    classic::ByteStream,
    service::{Query, Service},
};

/// Invocations of one agent.
#[derive(Clone, Debug)]
pub struct Invocations {
    service: Arc<Service>,
    agent: String,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Invocation {
    method: Method,
    below: Vec<String>,
    session: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What comes back.
pub struct InvocationAnswer {
    answer: AsyncRawResponse,
}

impl Invocation {
    /// A `POST` with this body.
    pub fn post(content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.into())];
        Self { headers, body: body.into(), ..Self::with_method(Method::Post) }
    }

    /// A `GET`.
    pub fn get() -> Self {
        Self::with_method(Method::Get)
    }

    /// Any other method.
    pub fn with_method(method: Method) -> Self {
        Self { method, below: Vec::new(), session: None, headers: Vec::new(), body: Bytes::new() }
    }

    /// The same, one segment further below, for example the id of an invocation.
    pub fn below(mut self, segment: impl Into<String>) -> Self {
        self.below.push(segment.into());
        self
    }

    /// The same, in this session. It is made where it is not there.
    pub fn in_session(self, session: impl Into<String>) -> Self {
        Self { session: Some(session.into()), ..self }
    }

    /// The same with a header. Of the client's own headers only those that begin with `x-client-` reach the
    /// program.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Invocations {
    pub(crate) fn new(service: Arc<Service>, agent: &str) -> Self {
        Self { service, agent: agent.to_owned() }
    }

    /// Sends a request. The answer is given as soon as it begins; one without success is an error.
    pub async fn send(&self, invocation: Invocation) -> Result<InvocationAnswer> {
        let Invocation { method, below, session, headers, body } = invocation;
        let mut path = vec!["agents", &self.agent, "endpoint", "protocols", "invocations"];
        path.extend(below.iter().map(String::as_str));
        let query: Query = session.map(|session| ("agent_session_id", session)).into_iter().collect();
        let answer = self.service.open_any((method, &path, query), headers, body).await?;
        Ok(InvocationAnswer { answer })
    }
}

impl InvocationAnswer {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.answer.status().into()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get_optional_str(&name.to_owned().into())
    }

    /// The session that answers.
    pub fn session(&self) -> Option<&str> {
        self.header("x-agent-session-id")
    }

    /// The id of the invocation.
    pub fn invocation(&self) -> Option<&str> {
        self.header("x-agent-invocation-id")
    }

    /// The bytes as they come.
    pub fn into_stream(self) -> ByteStream {
        self.answer.into_body().map_err(Error::from).boxed()
    }

    /// All bytes.
    pub async fn into_bytes(self) -> Result<Bytes> {
        let pieces: Vec<Bytes> = self.into_stream().try_collect().await?;
        Ok(pieces.concat().into())
    }
}
