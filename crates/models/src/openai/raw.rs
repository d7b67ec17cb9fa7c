//! Passes a call through: the body as the client wrote it, the answer as it comes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use reqwest::{Response, header::CONTENT_TYPE};
use tokio::time::{Instant, timeout_at};

use super::{OpenAi, send::Opened, send::Refusal, send::cause, words::Origin};
use crate::{Fault, FaultKind, RawAnswer, RawBody, RawOperation, RawRefusal};

impl OpenAi {
    pub(super) async fn pass(
        &self,
        operation: RawOperation,
        model: &str,
        body: Bytes,
    ) -> Result<RawAnswer, RawRefusal> {
        let url = self.url_of(operation.path(), model);
        let opened = self.send_with_retries(&url, body).await.map_err(Refusal::into_raw)?;
        let content_type = opened.response.headers().get(CONTENT_TYPE);
        let is_events = content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("text/event-stream"));
        let origin = Arc::clone(&self.origin);
        Ok(RawAnswer { is_events, body: bytes_of(opened, self.upstream.patience.idle, origin) })
    }
}

struct Reader {
    /// `None` once a fault was told.
    response: Option<Response>,
    next_by: Instant,
    idle: Duration,
    origin: Arc<Origin>,
}

fn bytes_of(opened: Opened, idle: Duration, origin: Arc<Origin>) -> RawBody {
    let reader = Reader { response: Some(opened.response), next_by: opened.first_byte_by, idle, origin };
    Box::pin(stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        Some((item, reader))
    }))
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        let response = self.response.as_mut()?;
        let fault = match timeout_at(self.next_by, response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.next_by = Instant::now() + self.idle;
                return Some(Ok(bytes));
            }
            Ok(Ok(None)) => return None,
            Ok(Err(error)) => {
                let what = "broke off in the middle of its answer";
                self.origin.fault(FaultKind::Broken, what, &cause(&error))
            }
            Err(_) => self.origin.fault(FaultKind::Timeout, "sent nothing more in time", ""),
        };
        self.response = None;
        Some(Err(fault))
    }
}
