//! Whom to ask.

use std::{collections::BTreeMap, fmt};

use url::Url;

/// A server, and what it is told with every request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// Who asks: sessions are shared within one scope alone.
    pub scope: String,
    /// Where it is.
    pub url: Url,
    /// What every request says; credentials stand here. Names are in lower case.
    headers: BTreeMap<String, String>,
}

impl Server {
    /// A server that is told nothing.
    pub fn new(scope: impl Into<String>, url: Url) -> Self {
        Self { scope: scope.into(), url, headers: BTreeMap::new() }
    }

    /// Tells it this, instead of what it was told under the same name before.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.into());
        self
    }

    /// What it is told.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Its host, for messages.
    pub(super) fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Server").field("host", &self.host()).field("headers", &names).finish_non_exhaustive()
    }
}
