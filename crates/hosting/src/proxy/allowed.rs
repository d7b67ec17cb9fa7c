//! The hosts that may be reached.

use crate::{Code, Failure};

/// What may be reached where no port is named.
const USUAL_PORTS: [u16; 2] = [80, 443];

/// A list of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowed(Vec<Host>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    /// The name, or what follows the `*` of a wildcard: `.example.com`.
    name: String,
    is_wildcard: bool,
    port: Option<u16>,
}

impl Allowed {
    pub fn parse(entries: &[String]) -> Result<Self, Failure> {
        entries.iter().map(|entry| Host::parse(entry)).collect::<Result<_, _>>().map(Self)
    }

    pub fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.0.iter().any(|allowed| allowed.matches(&host, port))
    }
}

impl Host {
    fn parse(entry: &str) -> Result<Self, Failure> {
        let entry = entry.trim().to_ascii_lowercase();
        let (host, port) = match entry.rsplit_once(':') {
            // The last colon of an IPv6 address stands within its brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| not_a_host(&entry))?))
            }
            _ => (entry.as_str(), None),
        };
        let (name, is_wildcard) = match host.strip_prefix('*') {
            Some(rest) => (rest, true),
            None => (host, false),
        };
        let is_good = !name.is_empty()
            && (!is_wildcard || name.starts_with('.') && name.len() > 1)
            && !name.contains(['*', '/', '@', ' ']);
        if !is_good {
            return Err(not_a_host(&entry));
        }
        Ok(Self { name: name.trim_end_matches('.').to_owned(), is_wildcard, port })
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        let is_port = self.port.map_or(USUAL_PORTS.contains(&port), |allowed| allowed == port);
        let is_name = if self.is_wildcard { host.ends_with(&self.name) } else { host == self.name };
        is_port && is_name
    }
}

fn not_a_host(entry: &str) -> Failure {
    let message = format!(
        "'{entry}' in the list of allowed hosts is not one. Write api.example.com, *.example.com, or either \
         with :PORT."
    );
    Failure::new(Code::SandboxUnavailable, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allowed(entries: &[&str]) -> Allowed {
        Allowed::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_name_allows_itself_on_the_usual_ports() {
        let list = allowed(&["api.example.com"]);
        assert!(list.contains("api.example.com", 443));
        assert!(list.contains("API.Example.com.", 80));
        for (host, port) in [("api.example.com", 22), ("a.api.example.com", 443), ("example.com", 443)] {
            assert!(!list.contains(host, port), "{host}:{port}");
        }
    }

    #[test]
    fn a_wildcard_allows_what_is_below_it() {
        let list = allowed(&["*.example.com"]);
        assert!(list.contains("a.b.example.com", 443));
        for host in ["example.com", "badexample.com", "example.com.evil.org"] {
            assert!(!list.contains(host, 443), "{host}");
        }
    }

    #[test]
    fn a_port_allows_itself_alone() {
        let list = allowed(&["db.example.com:5432", "[2001:db8::1]"]);
        assert!(list.contains("db.example.com", 5432));
        assert!(!list.contains("db.example.com", 443));
        assert!(list.contains("[2001:db8::1]", 443));
    }

    #[test]
    fn what_is_no_host_is_named() {
        for entry in ["", "*", "*example.com", "https://example.com", "a.*.com", "example.com:http"] {
            let failure = Allowed::parse(&[entry.to_owned()]).unwrap_err();
            assert!(failure.message.starts_with(&format!("'{entry}'")), "{failure}");
        }
    }
}
