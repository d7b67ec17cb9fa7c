//! Which addresses may be reached although they are not of the public internet: what the configuration says.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use super::address::{is_public, is_within};

/// What may be reached beside the public internet. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(Vec<Entry>);

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Addresses, whatever name leads to them: `127.0.0.1`, `10.0.0.0/8`.
    Network(IpAddr, u8),
    /// A host as it stands in an address, wherever it leads: `build.internal`, `127.0.0.1:8080`.
    Host { host: String, port: Option<u16> },
}

/// A text that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEntry(String);

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text:?} is neither an address, nor a network, nor a host; write for example \"127.0.0.1\", \
             \"10.0.0.0/8\", \"intranet.example.com\" or \"127.0.0.1:8080\""
        )
    }
}

impl std::error::Error for BadEntry {}

impl Allow {
    /// Reads entries.
    pub fn read<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, BadEntry> {
        let entries = entries.into_iter().map(|text| text.as_ref().trim().parse());
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a connection to this address may be made.
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|entry| entry.holds(address))
    }

    /// Whether this host may be reached wherever its name leads.
    pub fn names(&self, url: &Url) -> bool {
        let Some(host) = url.host().map(|host| plain(&host)) else { return false };
        self.0.iter().any(|entry| match entry {
            Entry::Host { host: allowed, port } => {
                *allowed == host && port.is_none_or(|port| url.port_or_known_default() == Some(port))
            }
            Entry::Network(..) => false,
        })
    }
}

impl Entry {
    fn holds(&self, address: IpAddr) -> bool {
        match self {
            Self::Network(network, length) => is_within(address, *network, *length),
            Self::Host { .. } => false,
        }
    }
}

impl FromStr for Entry {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        let bad = || BadEntry(text.to_owned());
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            let width = if address.is_ipv4() { 32 } else { 128 };
            return Ok(Self::Network(address, width));
        }
        if let Some((network, length)) = text.split_once('/') {
            let network: IpAddr = network.parse().map_err(|_| bad())?;
            let width = if network.is_ipv4() { 32 } else { 128 };
            let length = length.parse().ok().filter(|length| *length <= width).ok_or_else(bad)?;
            return Ok(Self::Network(network, length));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        let host = Host::parse(host).map_err(|_| bad())?;
        Ok(Self::Host { host: plain(&host), port })
    }
}

/// A host in the one form in which it is compared.
fn plain(host: &impl fmt::Display) -> String {
    host.to_string().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allow(entries: &[&str]) -> Allow {
        Allow::read(entries).unwrap()
    }

    #[test]
    fn addresses_and_networks_are_allowed_by_what_is_connected() {
        let allow = allow(&["127.0.0.1", "10.0.0.0/8", "[::1]", "fd00::/8"]);
        for address in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "::ffff:10.0.0.1", "8.8.8.8"] {
            assert!(allow.holds(address.parse().unwrap()), "{address}");
        }
        for address in ["127.0.0.2", "192.168.0.1", "169.254.169.254", "::2"] {
            assert!(!allow.holds(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_are_allowed_as_they_stand_in_an_address() {
        let allow = allow(&["Build.internal", "127.0.0.1:8080", "[::1]:81", "shop.internal:443"]);
        let names = |url: &str| allow.names(&url.parse().unwrap());
        for url in [
            "http://build.internal/x",
            "https://build.internal.:99/",
            "http://127.0.0.1:8080/",
            "http://[::1]:81/",
            "https://shop.internal/",
        ] {
            assert!(names(url), "{url}");
        }
        for url in [
            "http://127.0.0.1/",
            "http://other.internal/",
            "http://shop.internal/",
            "http://127.0.0.1:80801/",
        ]
        .into_iter()
        .filter(|url| Url::parse(url).is_ok())
        {
            assert!(!names(url), "{url}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused_with_examples() {
        for text in ["", "10.0.0.0/33", "fd00::/129", "host:port", "a b", "x/8", "host:99999"] {
            let error = Allow::read([text]).unwrap_err().to_string();
            assert!(error.contains("127.0.0.1:8080") && error.starts_with(&format!("{text:?}")), "{error}");
        }
    }
}
