//! What is looked for.

use url::Url;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The words.
    pub words: String,
    /// How many pages at most.
    pub limit: usize,
    /// Nothing but pages of these domains; of all where there are none.
    pub domains: Vec<String>,
    /// A country in two letters.
    pub country: Option<String>,
    /// A market, such as `en-GB`.
    pub market: Option<String>,
    /// A language, such as `en`.
    pub language: Option<String>,
    /// How old pages may be.
    pub freshness: Option<Freshness>,
    /// A configured part of the web, which only services like Bing's have.
    pub instance: Option<String>,
}

/// How old pages may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Freshness {
    /// From a word, however it is written.
    pub fn of(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            _ => None,
        }
    }
}

impl Query {
    /// The words, with what restricts them to the domains.
    pub(super) fn restricted(&self) -> String {
        let sites: Vec<_> = self.domains.iter().map(|domain| format!("site:{}", plain(domain))).collect();
        match sites.as_slice() {
            [] => self.words.clone(),
            [site] => format!("{} {site}", self.words),
            sites => format!("{} ({})", self.words, sites.join(" OR ")),
        }
    }

    /// Whether a page is of these domains, or below them. Providers take restrictions as hints.
    pub(super) fn admits(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let is_of = |domain: &String| {
            let domain = plain(domain);
            host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        };
        self.domains.is_empty() || self.domains.iter().any(is_of)
    }
}

/// A domain, also where it is written as an address.
fn plain(domain: &str) -> &str {
    let host = domain.split_once("://").map_or(domain, |(_, rest)| rest);
    host.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_query_is_restricted_to_its_domains() {
        let query = |domains: &[&str]| Query {
            words: "boats".into(),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ..Query::default()
        };
        assert_eq!(query(&[]).restricted(), "boats");
        assert_eq!(query(&["a.example"]).restricted(), "boats site:a.example");
        let two = query(&["https://a.example/x", "b.example"]);
        assert_eq!(two.restricted(), "boats (site:a.example OR site:b.example)");
        let admits = |url: &str| two.admits(&url.parse().unwrap());
        assert!(admits("https://a.example/1") && admits("https://www.b.example/"));
        assert!(!admits("https://nota.example/") && !admits("https://c.example/?a.example"));
        assert!(query(&[]).admits(&"https://c.example".parse().unwrap()));
    }
}
