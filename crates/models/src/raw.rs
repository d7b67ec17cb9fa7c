//! Calls that are passed to an upstream as they are, for clients that speak its own dialect.

use std::{fmt, pin::Pin};

use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Map, Value};

use crate::Fault;

/// What is called at an upstream that speaks OpenAI's dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawOperation {
    /// `POST /chat/completions`
    ChatCompletions,
    /// `POST /completions`
    Completions,
    /// `POST /embeddings`
    Embeddings,
    /// `POST /rerank`, which OpenAI itself does not have.
    Rerank,
}

impl RawOperation {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
    }

    /// Its path below the upstream's base address.
    pub fn path(self) -> &'static [&'static str] {
        match self {
            Self::ChatCompletions => &["chat", "completions"],
            Self::Completions => &["completions"],
            Self::Embeddings => &["embeddings"],
            Self::Rerank => &["rerank"],
        }
    }
}

/// The bytes of an answer as they come. Dropping the stream ends the call at the upstream.
pub type RawBody = Pin<Box<dyn Stream<Item = Result<Bytes, Fault>> + Send>>;

/// An answer as it comes.
pub struct RawAnswer {
    /// Whether it comes as server-sent events.
    pub is_events: bool,
    /// Its bytes.
    pub body: RawBody,
}

impl fmt::Debug for RawAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RawAnswer").field("is_events", &self.is_events).finish_non_exhaustive()
    }
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{fault}")]
pub struct RawRefusal {
    /// What happened, in words.
    pub fault: Fault,
    /// The status that the upstream answered with, if it answered.
    pub status: Option<u16>,
    /// The upstream's own `error` object, if it sent one; never with our credentials in it.
    pub error: Option<Map<String, Value>>,
}

impl From<Fault> for RawRefusal {
    fn from(fault: Fault) -> Self {
        Self { fault, status: None, error: None }
    }
}
