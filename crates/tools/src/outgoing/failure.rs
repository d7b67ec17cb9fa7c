//! Why a request came to nothing, in words for models and for people. No query and no header is repeated:
//! credentials may stand there.

use std::{error::Error, time::Duration};

use url::Url;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It leads where tools may not reach.
    #[error(
        "'{host}' leads to an address of this machine or of a private network, which tools may not reach. \
         Whoever runs the service can allow it in the configuration: [tools] allow = [\"{host}\"]."
    )]
    NotAllowed {
        /// The host of the request.
        host: String,
    },
    /// The address is not one that requests can be sent to.
    #[error("'{address}' is not an address that can be asked: {reason}")]
    BadAddress {
        /// The address, without its query.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something of the request can't stand in one.
    #[error("The request can't be made: {reason}")]
    BadRequest {
        /// What that is.
        reason: String,
    },
    /// Nobody was there.
    #[error("'{host}' can't be reached: {reason}.")]
    Unreachable {
        /// The host of the request.
        host: String,
        /// The innermost reason.
        reason: String,
    },
    /// It took too long.
    #[error("'{host}' {what} within {}.", seconds(within))]
    TimedOut {
        /// The host of the request.
        host: String,
        /// What did not happen.
        what: &'static str,
        /// How long that was waited for.
        within: Duration,
    },
    /// It was sent elsewhere too often.
    #[error("'{host}' redirects more than {most} times.")]
    TooManyRedirects {
        /// The host that was asked first.
        host: String,
        /// How many are followed.
        most: usize,
    },
    /// A redirect leads from an encrypted connection to one that is not.
    #[error("'{host}' redirects from https to http, which is not followed.")]
    Downgraded {
        /// The host of the redirect.
        host: String,
    },
    /// The answer has more bytes than are read.
    #[error("The answer of '{host}' has more than {limit} bytes.")]
    TooLarge {
        /// The host of the request.
        host: String,
        /// How many bytes are read.
        limit: usize,
    },
    /// The connection ended early.
    #[error("'{host}' broke the connection before its answer was complete: {reason}.")]
    Broken {
        /// The host of the request.
        host: String,
        /// The innermost reason.
        reason: String,
    },
}

impl Failure {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "address_not_allowed",
            Self::BadAddress { .. } | Self::BadRequest { .. } => "invalid_request",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timeout",
            Self::TooManyRedirects { .. } | Self::Downgraded { .. } => "bad_redirect",
            Self::TooLarge { .. } => "too_large",
            Self::Broken { .. } => "broken_answer",
        }
    }

    /// What an error of the client means that came before an answer.
    pub(super) fn before_answer(url: &Url, error: &reqwest::Error) -> Self {
        let host = host(url);
        if error.is_builder() {
            return Self::BadRequest { reason: format!("{}.", innermost(error)) };
        }
        if is_refused(error) {
            return Self::NotAllowed { host };
        }
        Self::Unreachable { host, reason: innermost(error) }
    }

    /// What an error of the client means that came within an answer.
    pub(super) fn within_answer(url: &Url, error: &reqwest::Error) -> Self {
        Self::Broken { host: host(url), reason: innermost(error) }
    }
}

/// A name that leads only where tools may not reach.
#[derive(Debug, thiserror::Error)]
#[error("the address is not allowed")]
pub(super) struct Refused;

fn is_refused(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.is::<Refused>())
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source())
}

/// The innermost reason: the outer ones only say that there is one.
fn innermost(error: &reqwest::Error) -> String {
    let words = causes(error).last().map(ToString::to_string).unwrap_or_default();
    words.trim_end_matches('.').to_owned()
}

/// The host of an address with its port, for people.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn seconds(duration: &Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} milliseconds", duration.as_millis()),
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}
