//! What lets one in at an agent. Nothing prints it.

use std::fmt;

use super::Card;
use crate::outgoing::{Failure, Request};

/// What lets one in at an agent.
#[derive(Clone, Default)]
pub struct Credentials {
    headers: Vec<(String, String)>,
    key: Option<String>,
}

impl Credentials {
    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a key. It goes where the agent's card says, else it is a bearer token.
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Adds them to a request.
    pub(super) fn add_to(&self, mut request: Request, card: Option<&Card>) -> Result<Request, Failure> {
        for (name, value) in &self.headers {
            request = request.secret_header(name, value)?;
        }
        match (&self.key, card.and_then(|card| card.key_header.as_deref())) {
            (Some(key), Some(name)) => request.secret_header(name, key),
            (Some(key), None) => request.secret_header("Authorization", &format!("Bearer {key}")),
            (None, _) => Ok(request),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name);
        let names: Vec<_> = names.collect();
        f.debug_struct("Credentials")
            .field("headers", &names)
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}
