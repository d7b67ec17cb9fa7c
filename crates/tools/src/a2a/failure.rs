//! Why an agent was not asked, or did not answer, in words for models and for people.

use std::time::Duration;

use http::StatusCode;
use url::Url;

use crate::outgoing;

/// Why an agent was not asked, or did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody was reached.
    #[error("{0}")]
    Outgoing(#[from] outgoing::Failure),
    /// There is no card, or none that can be read.
    #[error("The agent has no card at {}: {reason}.", plain(url))]
    NoCard {
        /// Where it should be.
        url: Url,
        /// What is wrong.
        reason: String,
    },
    /// The agent wants other credentials.
    #[error(
        "The agent at {} refuses the credentials ({status}). The connection of the tool has to hold those that \
         it wants.",
        plain(url)
    )]
    Unauthorized {
        /// Where it was asked.
        url: Url,
        /// The status of its answer.
        status: StatusCode,
    },
    /// It answered with an error of HTTP.
    #[error("The agent at {} answered with the status {status}.", plain(url))]
    Status {
        /// Where it was asked.
        url: Url,
        /// The status of its answer.
        status: StatusCode,
    },
    /// It answered with something else than the protocol says.
    #[error("The agent at {} does not speak A2A: {reason}.", plain(url))]
    NotA2a {
        /// Where it was asked.
        url: Url,
        /// What is wrong.
        reason: String,
    },
    /// It answered with an error of the protocol.
    #[error("The agent refused: {message} ({code})")]
    Refused {
        /// The error's number.
        code: i64,
        /// What it says.
        message: String,
    },
    /// Its task did not come to an end.
    #[error("The agent did not come to an end within {} seconds.", within.as_secs())]
    TimedOut {
        /// How long it was waited for.
        within: Duration,
    },
}

impl Failure {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Outgoing(failure) => failure.code(),
            Self::NoCard { .. } => "no_agent_card",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Status { .. } | Self::Refused { .. } => "refused",
            Self::NotA2a { .. } => "not_a2a",
            Self::TimedOut { .. } => "timeout",
        }
    }
}

/// An address without what may be a secret in it.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}
