//! A request to another service, and how long it is waited for.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::Value;
use url::Url;

use super::Failure;

/// The most bytes of an answer that are read, unless the request says otherwise.
const LIMIT: usize = 10 * 1024 * 1024;

/// How long is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the head of the answer, all redirects included.
    pub head: Duration,
    /// For the next bytes of its body.
    pub idle: Duration,
    /// For all of it.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(60), idle: Duration::from_secs(60), whole: Duration::from_secs(90) }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) patience: Patience,
    pub(super) limit: usize,
    pub(super) follows: bool,
}

impl Request {
    /// A request of this method, without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            patience: Patience::default(),
            limit: LIMIT,
            follows: true,
        }
    }

    /// A GET.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST.
    pub fn post(url: Url) -> Self {
        Self::new(Method::POST, url)
    }

    /// Sets a header. One that the client sets itself can't be chosen.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Failure> {
        self.headers.insert(header_name(name)?, header_value(name, value)?);
        Ok(self)
    }

    /// Sets a header that is a credential: nothing prints it.
    pub fn secret_header(mut self, name: &str, value: &str) -> Result<Self, Failure> {
        let mut value = header_value(name, value)?;
        value.set_sensitive(true);
        self.headers.insert(header_name(name)?, value);
        Ok(self)
    }

    /// Sets all of these headers.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to JSON.
    pub fn json(mut self, body: &Value) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body(body.to_string())
    }

    /// Sets how long is waited.
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how many bytes of the answer are read. More is a failure.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Hands redirects back as answers.
    pub fn without_redirects(mut self) -> Self {
        self.follows = false;
        self
    }
}

fn header_name(name: &str) -> Result<HeaderName, Failure> {
    let name = HeaderName::try_from(name)
        .map_err(|_| Failure::BadRequest { reason: format!("{name:?} can't be the name of a header.") })?;
    // They say how the request is framed and where it goes, which is decided elsewhere.
    if ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te"].contains(&name.as_str())
    {
        return Err(Failure::BadRequest { reason: format!("the header '{name}' can't be chosen.") });
    }
    Ok(name)
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(value).map_err(|_| Failure::BadRequest {
        reason: format!("the value of the header '{name}' holds characters that can't stand there."),
    })
}
