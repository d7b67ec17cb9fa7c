//! The addresses of this service: agents behind them are asked without a detour.

use percent_encoding::percent_decode_str;
use url::Url;

/// The addresses of this service.
#[derive(Clone, Debug, Default)]
pub struct Own {
    hosts: Vec<String>,
    port: u16,
}

impl Own {
    /// A service that listens on this port under these names.
    pub fn new(hosts: impl IntoIterator<Item = String>, port: u16) -> Self {
        Self { hosts: hosts.into_iter().collect(), port }
    }

    /// The project and the agent behind an address, if it is that of an agent of this service.
    pub fn agent(&self, url: &Url) -> Option<(String, String)> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        let is_own = self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        if !is_own || url.scheme() != "https" || url.port_or_known_default() != Some(self.port) {
            return None;
        }
        let segments: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
        let ["api", "projects", project, "agents", agent, "endpoint", "protocols", "a2a"] =
            segments.as_slice()
        else {
            return None;
        };
        let plain =
            |segment: &str| percent_decode_str(segment).decode_utf8().ok().map(|text| text.into_owned());
        Some((plain(project)?, plain(agent)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn agents_of_this_service_are_known_by_their_address() {
        let own = Own::new(["localhost".to_owned(), "::1".to_owned()], 8443);
        let agent = |url: &str| own.agent(&url.parse().unwrap());
        let path = "api/projects/p%201/agents/a/endpoint/protocols/a2a";
        let expected = Some(("p 1".to_owned(), "a".to_owned()));
        assert_eq!(agent(&format!("https://localhost:8443/{path}")), expected);
        assert_eq!(agent(&format!("https://LOCALHOST:8443/{path}/?api-version=v1")), expected);
        assert_eq!(agent(&format!("https://[::1]:8443/{path}")), expected);
        for other in [
            format!("https://localhost:8444/{path}"),
            format!("http://localhost:8443/{path}"),
            format!("https://a.example:8443/{path}"),
            "https://localhost:8443/api/projects/p/agents/a".to_owned(),
        ] {
            assert_eq!(agent(&other), None, "{other}");
        }
    }
}
