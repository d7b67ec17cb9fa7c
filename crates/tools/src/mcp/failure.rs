//! Why a server was of no use, in words for models and for people. What it is told stands in none of them.

use std::time::Duration;

use rmcp::{
    model::ErrorData,
    service::{ClientInitializeError, ServiceError},
    transport::{DynamicTransportError, streamable_http_client::StreamableHttpError},
};

use crate::outgoing;

/// The most characters of a server's own words that are repeated.
const MOST_WORDS: usize = 400;

/// Why a server was of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It could not be asked.
    #[error(transparent)]
    Outgoing(#[from] outgoing::Failure),
    /// It answered with a status that says no.
    #[error("The MCP server '{host}' answered with the status {status}{}.", words(said))]
    Status {
        /// Its host.
        host: String,
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// What it answered is not the protocol.
    #[error("'{host}' does not answer as an MCP server: {reason}.")]
    NotUnderstood {
        /// Its host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// It refused a request.
    #[error("The MCP server '{host}' refused: {said} (error {code}).")]
    Refused {
        /// Its host.
        host: String,
        /// The code of the refusal.
        code: i32,
        /// What it said.
        said: String,
    },
    /// It took too long.
    #[error("The MCP server '{host}' {what} within {} seconds.", within.as_secs_f64())]
    TimedOut {
        /// Its host.
        host: String,
        /// What did not happen.
        what: &'static str,
        /// How long that was waited for.
        within: Duration,
    },
    /// It has too much to say about its tools.
    #[error(
        "The MCP server '{host}' lists more than {most}. Name the tools that are needed in 'allowed_tools'."
    )]
    TooMuch {
        /// Its host.
        host: String,
        /// What there may be.
        most: &'static str,
    },
    /// The connection ended.
    #[error("The MCP server '{host}' ended the connection before it had answered.")]
    Gone {
        /// Its host.
        host: String,
    },
}

impl Failure {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Outgoing(failure) => failure.code(),
            Self::Status { status: 401 | 403, .. } => "unauthorized",
            Self::Status { .. } => "http_error",
            Self::NotUnderstood { .. } => "protocol_error",
            Self::Refused { .. } => "refused",
            Self::TimedOut { .. } => "timeout",
            Self::TooMuch { .. } => "too_large",
            Self::Gone { .. } => "broken_answer",
        }
    }

    /// Whether the older transport may be the one that is spoken: the status says that there is nothing to
    /// post to.
    pub(super) fn may_be_older(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 404 | 405 | 406 | 415, .. })
    }

    /// What an error of a session means.
    pub(super) fn of_session(host: &str, error: ServiceError) -> Self {
        let host = host.to_owned();
        match error {
            ServiceError::McpError(refusal) => Self::refused(host, refusal),
            ServiceError::TransportSend(error) => Self::of_transport(&host, &error),
            ServiceError::TransportClosed | ServiceError::Cancelled { .. } => Self::Gone { host },
            ServiceError::Timeout { timeout } => {
                Self::TimedOut { host, what: "did not answer", within: timeout }
            }
            ServiceError::UnexpectedResponse => {
                Self::NotUnderstood { host, reason: "its answer is of another kind than the request".into() }
            }
            error => Self::NotUnderstood { host, reason: cut(&error.to_string()) },
        }
    }

    /// What an error of a session means that was not opened.
    pub(super) fn of_opening(host: &str, error: ClientInitializeError) -> Self {
        let owned = host.to_owned();
        match error {
            ClientInitializeError::TransportError { error, .. } => Self::of_transport(host, &error),
            ClientInitializeError::JsonRpcError(refusal) => Self::refused(owned, refusal),
            ClientInitializeError::ConnectionClosed(_) => Self::Gone { host: owned },
            error => Self::NotUnderstood { host: owned, reason: cut(&error.to_string()) },
        }
    }

    fn of_transport(host: &str, error: &DynamicTransportError) -> Self {
        let error = error.error.as_ref();
        let host = host.to_owned();
        if let Some(own) = error.downcast_ref::<Self>() {
            return own.clone();
        }
        match error.downcast_ref::<StreamableHttpError<Self>>() {
            Some(StreamableHttpError::Client(own)) => own.clone(),
            Some(
                StreamableHttpError::UnexpectedEndOfStream
                | StreamableHttpError::TransportChannelClosed
                | StreamableHttpError::Sse(_)
                | StreamableHttpError::Io(_),
            ) => Self::Gone { host },
            Some(StreamableHttpError::SessionExpired) => {
                Self::NotUnderstood { host, reason: "it forgets its sessions".into() }
            }
            _ => Self::NotUnderstood { host, reason: cut(&error.to_string()) },
        }
    }

    fn refused(host: String, refusal: ErrorData) -> Self {
        Self::Refused { host, code: refusal.code.0, said: cut(refusal.message.trim_end_matches('.')) }
    }
}

/// The beginning of a text that somebody else wrote, on one line.
pub(super) fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {}", said.trim_end_matches('.')) }
}
