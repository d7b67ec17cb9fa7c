//! What went wrong between a registry and this machine, and how that is told.

use std::error::Error;

use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::{Credentials, Patience, Reference, read_at_most};
use crate::{Code, Failure};

/// How much of a registry's own words is read and passed on.
const LARGEST_WORDS: u64 = 64 << 10;
const LONGEST_WORDS: usize = 200;

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No connection came to be.
    Unreachable(String),
    /// It says nothing any more.
    Silent,
    /// The connection ended too early.
    BrokenOff(String),
    /// It answered, with this status and these words.
    Answered {
        /// The status.
        status: StatusCode,
        /// Its words, cut.
        words: String,
    },
    /// It sends more than there should be, which is this many bytes.
    TooMuch(u64),
    /// It answered something that means nothing.
    Misbehaved(String),
}

#[derive(Deserialize)]
struct Envelope {
    errors: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl From<reqwest::Error> for Problem {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Silent;
        }
        let is_connect = error.is_connect();
        // The innermost cause says what happened. Those above name the address, which may hold a signature.
        let mut innermost = error.source();
        while let Some(inner) = innermost.and_then(Error::source) {
            innermost = Some(inner);
        }
        let words = innermost.map_or("the answer can't be read".to_owned(), |cause| cut(&cause.to_string()));
        if is_connect { Self::Unreachable(words) } else { Self::BrokenOff(words) }
    }
}

impl Problem {
    /// What an answer that is none of the expected ones says.
    pub(super) async fn answered(answer: Response) -> Self {
        let status = answer.status();
        let body = read_at_most(answer, LARGEST_WORDS).await.unwrap_or_default();
        let said = serde_json::from_slice::<Envelope>(&body)
            .ok()
            .and_then(|envelope| envelope.errors.into_iter().next());
        let words = match said {
            Some(said) if said.message.is_empty() => cut(&said.code),
            Some(said) => cut(&format!("{}: {}", said.code, said.message)),
            None => String::new(),
        };
        Self::Answered { status, words }
    }

    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent | Self::BrokenOff(_) => true,
            Self::Answered { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::TooMuch(_) | Self::Misbehaved(_) => false,
        }
    }

    /// In words for who asked for the image.
    pub fn about(self, reference: &Reference, credentials: &Credentials, patience: Patience) -> Failure {
        let registry = reference.registry();
        let message = match self {
            Self::Unreachable(why) => format!(
                "The registry {registry} can't be reached: {why}. Check its name in '{reference}', and \
                 that it runs."
            ),
            Self::Silent => format!(
                "The registry {registry} said nothing for {:?} while '{reference}' was fetched. \
                 Try again later.",
                patience.silence
            ),
            Self::BrokenOff(why) => {
                format!(
                    "The connection to the registry {registry} broke off while '{reference}' was fetched: \
                     {why}."
                )
            }
            Self::Answered { status, words } => {
                let repeats_secret = credentials.secret().is_some_and(|secret| words.contains(secret));
                let said = if words.is_empty() || repeats_secret {
                    status.to_string()
                } else {
                    format!("{status} ({words})")
                };
                let advice = advice(status, reference, credentials);
                format!("The registry {registry} did not give '{reference}': it answered {said}. {advice}")
            }
            Self::TooMuch(bytes) => {
                format!(
                    "The registry {registry} sent more than the {bytes} bytes that were due for \
                     '{reference}'."
                )
            }
            Self::Misbehaved(what) => format!("The registry {registry} can't be used: {what}."),
        };
        Failure::new(Code::ImagePullBackOff, message)
    }
}

fn advice(status: StatusCode, reference: &Reference, credentials: &Credentials) -> String {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if credentials.is_anonymous() => format!(
            "It was told no credentials: name a connection with some as 'registry_connection_id', or use \
             'docker login {}'. Some registries answer so, too, where there is no such image.",
            reference.registry()
        ),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "The credentials that it was told are not good for this image.".into()
        }
        StatusCode::NOT_FOUND => "There is no such image: check its name, and its tag or digest.".into(),
        StatusCode::TOO_MANY_REQUESTS => "It limits how much it gives: log in, or try again later.".into(),
        _ => "Try again later, or ask who runs it.".into(),
    }
}

/// Words of others, short and in one line.
fn cut(words: &str) -> String {
    let plain: String =
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect();
    plain.trim().trim_end_matches('.').to_owned()
}
