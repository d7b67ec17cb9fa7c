//! A provider: how it is asked.

use std::{fmt, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Freshness, Page, Query, pages};
use crate::outgoing::{Allow, Failure, Outgoing, Patience, Request};

/// How long is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most bytes of an answer.
const LIMIT: usize = 4 * 1024 * 1024;
/// The most pages that Brave gives at once; services like Bing's give 50.
const MOST_OF_BRAVE: usize = 20;

/// The kinds of providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A SearXNG of one's own.
    Searxng,
    /// Brave Search.
    Brave,
    /// A service with the interface of Bing Web Search 7.
    Bing,
}

impl Kind {
    /// Where it is, unless the configuration says otherwise. A SearXNG is one's own.
    pub fn usual_endpoint(self) -> Option<&'static str> {
        match self {
            Self::Searxng => None,
            Self::Brave => Some("https://api.search.brave.com/res/v1/web/search"),
            Self::Bing => Some("https://api.bing.microsoft.com/v7.0/search"),
        }
    }

    /// Whether it answers nobody without a key.
    pub fn needs_key(self) -> bool {
        self != Self::Searxng
    }
}

/// Why nothing was looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSearched {
    /// It can't be asked.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// It refuses.
    #[error("The search provider answered {0}.{1}")]
    Refused(u16, &'static str),
    /// It says something else.
    #[error(
        "The search provider gave an answer that holds no results. Whoever runs the service has to look at \
             [tools.web_search]."
    )]
    Unreadable,
    /// It has no parts of the web.
    #[error(
        "The search is restricted to the instance '{0}', which the configured provider does not have: only \
             the provider \"bing\" has instances."
    )]
    NoInstances(String),
}

/// A provider.
#[derive(Clone)]
pub struct Provider {
    kind: Kind,
    endpoint: Url,
    key: Option<String>,
    outgoing: Outgoing,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoint.as_str();
        f.debug_struct("Provider")
            .field("kind", &self.kind)
            .field("endpoint", &endpoint)
            .finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider that the operator has configured: its address may be a private one.
    pub fn new(kind: Kind, endpoint: Url, key: Option<String>) -> Result<Self, Failure> {
        let bad = |reason| Failure::BadAddress { address: endpoint.to_string(), reason };
        let host = endpoint.host_str().ok_or_else(|| bad("it has no host."))?;
        let port = endpoint.port_or_known_default().ok_or_else(|| bad("it has no port."))?;
        let allow = Allow::read([format!("{host}:{port}")]).map_err(|_| bad("its host is none."))?;
        Ok(Self { kind, outgoing: Outgoing::new(allow)?, endpoint, key })
    }

    /// Where this is looked for, without what is secret.
    pub fn address(&self, query: &Query) -> Url {
        let mut url = self.endpoint.clone();
        if self.kind == Kind::Searxng && !url.path().trim_end_matches('/').ends_with("/search") {
            url.set_path(&format!("{}/search", url.path().trim_end_matches('/')));
        }
        if let (Kind::Bing, Some(_)) = (self.kind, &query.instance) {
            let path = url.path().replace("/v7.0/search", "/v7.0/custom/search");
            url.set_path(&path);
        }
        let pairs = self.parameters(query);
        url.query_pairs_mut().append_pair("q", &query.restricted()).extend_pairs(pairs);
        url
    }

    /// The pages that fit best, the best first.
    pub async fn search(&self, query: &Query) -> Result<Vec<Page>, NotSearched> {
        if let (Some(instance), false) = (&query.instance, self.kind == Kind::Bing) {
            return Err(NotSearched::NoInstances(instance.clone()));
        }
        let patience = Patience { head: PATIENCE, idle: PATIENCE, whole: 2 * PATIENCE };
        let request = Request::get(self.address(query)).patience(patience).limit(LIMIT);
        let mut request = request.header("accept", "application/json")?;
        let header = match self.kind {
            Kind::Searxng => "authorization",
            Kind::Brave => "x-subscription-token",
            Kind::Bing => "ocp-apim-subscription-key",
        };
        if let Some(key) = &self.key {
            let value = if self.kind == Kind::Searxng { format!("Bearer {key}") } else { key.clone() };
            request = request.secret_header(header, &value)?;
        }
        let answer = self.outgoing.send(request).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(NotSearched::Refused(status.as_u16(), self.advice(status.as_u16())));
        }
        let answer: Option<Value> = serde_json::from_slice(&answer.bytes().await?).ok();
        let found = answer.and_then(|answer| pages::read(self.kind, &answer, query));
        found.ok_or(NotSearched::Unreadable)
    }

    fn advice(&self, status: u16) -> &'static str {
        match (self.kind, status) {
            (Kind::Searxng, 403) => {
                " SearXNG gives JSON only where its settings have 'json' in search.formats."
            }
            (_, 401 | 403) => " Whoever runs the service has to look at the key in [tools.web_search].",
            (_, 429) => " It has been asked too often; later it may answer again.",
            _ => "",
        }
    }

    fn parameters(&self, query: &Query) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut add = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        let language =
            query.language.clone().or_else(|| Some(query.market.as_ref()?.split('-').next()?.to_owned()));
        let country =
            query.country.clone().or_else(|| Some(query.market.as_ref()?.split_once('-')?.1.to_owned()));
        match self.kind {
            Kind::Searxng => {
                add("format", Some("json".to_owned()));
                add("language", query.market.clone().or(language));
                add(
                    "time_range",
                    query.freshness.map(|freshness| word(freshness, ["day", "week", "month", "year"])),
                );
            }
            Kind::Brave => {
                add("count", Some(query.limit.clamp(1, MOST_OF_BRAVE).to_string()));
                add("country", country);
                add("search_lang", language);
                add("freshness", query.freshness.map(|freshness| word(freshness, ["pd", "pw", "pm", "py"])));
            }
            Kind::Bing => {
                add("count", Some(query.limit.clamp(1, 50).to_string()));
                add("mkt", query.market.clone());
                add("cc", country.filter(|_| query.market.is_none()));
                add("setLang", query.language.clone());
                add("customconfig", query.instance.clone());
                let of_bing = query.freshness.filter(|freshness| *freshness != Freshness::Year);
                add("freshness", of_bing.map(|freshness| word(freshness, ["Day", "Week", "Month", ""])));
            }
        }
        pairs
    }
}

fn word(freshness: Freshness, words: [&str; 4]) -> String {
    let [day, week, month, year] = words;
    let word = match freshness {
        Freshness::Day => day,
        Freshness::Week => week,
        Freshness::Month => month,
        Freshness::Year => year,
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn address(kind: Kind, endpoint: &str, query: &Query) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let provider = Provider::new(kind, endpoint.parse().unwrap(), Some("s3cret".into())).unwrap();
        assert!(!format!("{provider:?}").contains("s3cret"));
        provider.address(query).to_string()
    }

    #[test]
    fn each_provider_is_asked_in_its_own_words() {
        let query = Query {
            words: "boats & ships".into(),
            limit: 30,
            market: Some("en-GB".into()),
            freshness: Some(Freshness::Week),
            ..Query::default()
        };
        assert_eq!(
            address(Kind::Searxng, "http://127.0.0.1:8888/", &query),
            "http://127.0.0.1:8888/search?q=boats+%26+ships&format=json&language=en-GB&time_range=week"
        );
        assert_eq!(
            address(Kind::Brave, Kind::Brave.usual_endpoint().unwrap(), &query),
            "https://api.search.brave.com/res/v1/web/search?q=boats+%26+ships&count=20&country=GB&search_lang=en\
             &freshness=pw"
        );
        let custom = Query { instance: Some("mine".into()), ..query };
        assert_eq!(
            address(Kind::Bing, Kind::Bing.usual_endpoint().unwrap(), &custom),
            "https://api.bing.microsoft.com/v7.0/custom/search?q=boats+%26+ships&count=30&mkt=en-GB\
             &customconfig=mine&freshness=Week"
        );
    }

    #[tokio::test]
    async fn an_instance_that_the_provider_does_not_have_is_not_left_out() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let provider = Provider::new(Kind::Searxng, "http://127.0.0.1:1".parse().unwrap(), None).unwrap();
        let query = Query { instance: Some("mine".into()), ..Query::default() };
        assert_eq!(provider.search(&query).await, Err(NotSearched::NoInstances("mine".into())));
    }
}
