//! Sends a request until it is answered, refused for good, or the retries are used up.

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    OpenAi,
    retry::{Budget, asked_wait, is_passing},
    words::Complaint,
};
use crate::{Fault, FaultKind, RawRefusal};

/// The most bytes of an error answer that are read.
const ERROR_BODY: usize = 64 * 1024;

/// An accepted request, before the first piece of its answer.
pub(crate) struct Opened {
    pub(crate) response: Response,
    /// When the first bytes must have come.
    pub(crate) first_byte_by: Instant,
}

/// A request that was not answered.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) fault: Fault,
    /// Whether a later attempt may fare better.
    passing: bool,
    /// The upstream says that the request itself is wrong.
    status: Option<StatusCode>,
    /// The `error` object that it sent.
    error: Option<Map<String, Value>>,
}

impl Refusal {
    /// Whether the upstream refused the request and named this field.
    pub(crate) fn is_about(&self, field: &str) -> bool {
        self.status.is_some_and(|status| status.is_client_error()) && self.fault.message.contains(field)
    }

    /// The refusal of a call that was passed through.
    pub(crate) fn into_raw(self) -> RawRefusal {
        let status = self.status.map(|status| status.as_u16());
        RawRefusal { fault: self.fault, status, error: self.error }
    }
}

impl OpenAi {
    pub(crate) async fn send_with_retries(&self, url: &Url, body: Bytes) -> Result<Opened, Refusal> {
        let mut budget = Budget::new(self.upstream.retry);
        loop {
            let refusal = match self.send_once(url, body.clone()).await {
                Ok(opened) => return Ok(opened),
                Err(refusal) if !refusal.passing => return Err(refusal),
                Err(refusal) => refusal,
            };
            let Some(wait) = budget.next_wait(refusal.fault.retry_after) else {
                return Err(refusal);
            };
            let provider = &self.upstream.name;
            tracing::info!(provider, ?wait, fault = %refusal.fault, "model call is tried again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(&self, url: &Url, body: Bytes) -> Result<Opened, Refusal> {
        let first_byte_by = Instant::now() + self.upstream.patience.first_byte;
        let sending = self.http.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body).send();
        let response = match timeout_at(first_byte_by, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.not_sent(&error)),
            Err(_) => return Err(self.too_slow()),
        };
        if response.status().is_success() {
            return Ok(Opened { response, first_byte_by });
        }
        let (status, wait) = (response.status(), asked_wait(response.headers(), SystemTime::now()));
        let body = error_body(response, first_byte_by).await;
        Err(self.refusal(status, wait, &body))
    }

    fn not_sent(&self, error: &reqwest::Error) -> Refusal {
        // A kept connection may have been closed by the server at this moment: that passes, too.
        Refusal {
            fault: self.transport_fault(error),
            passing: !error.is_builder(),
            status: None,
            error: None,
        }
    }

    fn too_slow(&self) -> Refusal {
        let what = format!("sent nothing within {:?}", self.upstream.patience.first_byte);
        Refusal {
            fault: self.origin.fault(FaultKind::Timeout, &what, ""),
            passing: false,
            status: None,
            error: None,
        }
    }

    /// What a failed connection means.
    pub(crate) fn transport_fault(&self, error: &reqwest::Error) -> Fault {
        if error.is_connect() && error.is_timeout() {
            let what = format!("accepted no connection within {:?}", self.upstream.patience.connect);
            self.origin.fault(FaultKind::Unreachable, &what, "")
        } else if error.is_connect() {
            self.origin.fault(FaultKind::Unreachable, "can't be reached", &cause(error))
        } else {
            self.origin.fault(FaultKind::Unreachable, "broke the connection before answering", &cause(error))
        }
    }

    /// What an error answer means.
    pub(crate) fn refusal(&self, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Refusal {
        let complaint = Complaint::read(body);
        // A used-up quota comes as 429, but waiting does not bring it back.
        let passing = is_passing(status) && !complaint.code.contains("insufficient_quota");
        let mut fault = self.origin.fault(
            kind(status, &complaint),
            &format!("answered {status}"),
            if status.is_redirection() {
                "set base_url to the address that it redirects to"
            } else {
                &complaint.message
            },
        );
        fault.retry_after = retry_after;
        Refusal { fault, passing, status: Some(status), error: self.error_object(body) }
    }
}

impl OpenAi {
    /// The `error` object of an answer, without our credentials if the upstream repeats them.
    fn error_object(&self, body: &[u8]) -> Option<Map<String, Value>> {
        let text = str::from_utf8(body).ok()?;
        let text = self.upstream.key.as_ref().map_or_else(|| text.to_owned(), |key| key.scrub(text));
        match serde_json::from_str::<Value>(&text).ok()?.get_mut("error")?.take() {
            Value::Object(error) => Some(error),
            _ => None,
        }
    }
}

fn kind(status: StatusCode, complaint: &Complaint) -> FaultKind {
    match status.as_u16() {
        404 => FaultKind::UnknownModel,
        400 | 422 if complaint.is_about_unknown_model() => FaultKind::UnknownModel,
        401 | 403 => FaultKind::Unauthorized,
        429 => FaultKind::RateLimited,
        408 | 504 => FaultKind::Timeout,
        400..=499 => FaultKind::Rejected,
        _ => FaultKind::Broken,
    }
}

/// As much of an error answer as arrives in time; what can't be read is not worth another error.
async fn error_body(mut response: Response, by: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Ok(Some(bytes))) = timeout_at(by, response.chunk()).await {
        body.extend_from_slice(&bytes);
        if body.len() > ERROR_BODY {
            body.truncate(ERROR_BODY);
            break;
        }
    }
    body.freeze()
}

/// The innermost reason: the outer ones only say that there is one.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut reason: &dyn Error = error;
    while let Some(deeper) = reason.source() {
        reason = deeper;
    }
    reason.to_string()
}
