//! Bodies that nobody read to their end.
//!
//! A request that is refused early (no token, wrong form) is answered before its body was read. Dropping
//! the rest at once resets an HTTP/2 stream, and some clients then report the reset instead of the answer.
//! So the rest of the body is read and forgotten beside the answer, within limits.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// How much of an unwanted body is read at most: clients that speak HTTP/1.1 look for the answer only after
/// they have sent everything.
const MOST: usize = 256 * 1024 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A body that is read to its end even if its reader is not interested.
#[derive(Debug)]
pub struct Lingering {
    inner: Option<Incoming>,
}

impl Lingering {
    /// Around a body as it comes in.
    pub fn new(inner: Incoming) -> Self {
        Self { inner: Some(inner) }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(rest) = self.inner.take().filter(|rest| !rest.is_end_stream()) else { return };
        // Outside of a runtime nothing comes in any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, forget(rest)));
        }
    }
}

async fn forget(mut rest: Incoming) {
    let mut seen = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > MOST {
            return;
        }
    }
}
