//! The interface that every provider implements.

use std::{fmt, pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;

use crate::{ModelDelta, ModelRequest, RawAnswer, RawOperation, RawRefusal};

/// The pieces of an answer. Dropping the stream ends the call at the upstream.
///
/// A stream that ends without [`ModelDelta::Finish`] was broken off; providers turn that into a
/// [`Fault`] themselves, so that callers see a `Finish`, a fault, or nothing because they stopped reading.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelDelta, Fault>> + Send>>;

/// Something that answers model calls.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// The name in the configuration.
    fn name(&self) -> &str;

    /// Begins a call. Retries that the configuration allows happen in here, before the first piece.
    async fn call(&self, request: &ModelRequest) -> Result<ModelStream, Fault>;

    /// Passes a call on as the client wrote it; `None` where there is no upstream that speaks the client's
    /// dialect. Retries happen as in [`Provider::call`].
    async fn raw(
        &self,
        _operation: RawOperation,
        _model: &str,
        _body: Bytes,
    ) -> Result<Option<RawAnswer>, RawRefusal> {
        Ok(None)
    }

    /// The models that it says it has.
    async fn models(&self) -> Result<Vec<String>, Fault>;

    /// How many tokens `text` is for `model`. May load a vocabulary the first time.
    fn count_tokens(&self, model: &str, text: &str) -> usize;
}

/// Why a call failed, in words for the person who has to do something about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// What happened, with the upstream's own words where there are any, and never a secret.
    pub message: String,
    /// How long the upstream asked to wait.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault of this kind, with nothing known about when to try again.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }
}

/// Kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// No provider serves this deployment, or the upstream does not know the model.
    UnknownModel,
    /// The upstream can't be reached.
    Unreachable,
    /// The upstream took too long.
    Timeout,
    /// The upstream does not accept our credentials.
    Unauthorized,
    /// The upstream asks for fewer requests, also after retries.
    RateLimited,
    /// The upstream does not accept this request.
    Rejected,
    /// The upstream failed, broke off or answered nonsense.
    Broken,
}

/// The code of every kind of fault.
pub const CODES: &[&str] = &[
    FaultKind::UnknownModel.code(),
    FaultKind::Unreachable.code(),
    FaultKind::Timeout.code(),
    FaultKind::Unauthorized.code(),
    FaultKind::RateLimited.code(),
    FaultKind::Rejected.code(),
    FaultKind::Broken.code(),
];

impl FaultKind {
    /// The code that clients see in a failed run; `cupola explain` has a page for each.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownModel => "invalid_engine_error",
            Self::Unreachable => "model_unreachable",
            Self::Timeout => "model_timeout",
            Self::Unauthorized => "model_unauthorized",
            Self::RateLimited => "rate_limit_exceeded",
            Self::Rejected => "invalid_prompt",
            Self::Broken => "server_error",
        }
    }
}
