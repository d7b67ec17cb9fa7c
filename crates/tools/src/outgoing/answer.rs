//! The answer to a request: its head, and its body piece by piece, within the limits of the request.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream::unfold};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{Failure, failure::host};

/// An answer whose body is not read yet.
#[derive(Debug)]
pub struct Answer {
    pub(super) url: Url,
    pub(super) response: reqwest::Response,
    /// How many more bytes are read.
    pub(super) left: usize,
    pub(super) limit: usize,
    pub(super) idle: Duration,
    pub(super) whole: Duration,
    pub(super) until: Instant,
}

/// A body that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Its bytes, or the first of them.
    pub bytes: Bytes,
    /// Whether there is more than was read.
    pub is_cut: bool,
}

impl Answer {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Where it comes from, after all redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The type of its content in lower case, without parameters; empty where it says none.
    pub fn content_type(&self) -> String {
        let header = self.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let plain = header.and_then(|value| value.split(';').next()).unwrap_or_default();
        plain.trim().to_ascii_lowercase()
    }

    /// The next bytes of the body; nothing at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let now = Instant::now();
        let (by, what, within) = match now + self.idle {
            next if next < self.until => (next, "sent nothing more of its answer", self.idle),
            _ => (self.until, "did not complete its answer", self.whole),
        };
        let read = timeout_at(by, self.response.chunk()).await;
        let read = read.map_err(|_| Failure::TimedOut { host: host(&self.url), what, within })?;
        let Some(bytes) = read.map_err(|error| Failure::within_answer(&self.url, &error))? else {
            return Ok(None);
        };
        match self.left.checked_sub(bytes.len()) {
            Some(left) => self.left = left,
            None => return Err(Failure::TooLarge { host: host(&self.url), limit: self.limit }),
        }
        Ok(Some(bytes))
    }

    /// The whole body. One that has more bytes than the request allows is a failure.
    pub async fn bytes(mut self) -> Result<Bytes, Failure> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.chunk().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    /// The body, or as much of it as the request allows.
    pub async fn beginning(mut self) -> Result<Body, Failure> {
        let mut all = BytesMut::new();
        // One byte more tells whether there is more.
        self.left = usize::MAX;
        while let Some(bytes) = self.chunk().await? {
            all.extend_from_slice(&bytes);
            if all.len() > self.limit {
                all.truncate(self.limit);
                return Ok(Body { bytes: all.freeze(), is_cut: true });
            }
        }
        Ok(Body { bytes: all.freeze(), is_cut: false })
    }

    /// The body as a stream that ends with its first failure.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Failure>> + Send {
        unfold(Some(self), |answer| async {
            let mut answer = answer?;
            match answer.chunk().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(answer))),
                Ok(None) => None,
                Err(failure) => Some((Err(failure), None)),
            }
        })
    }
}
