//! The names and addresses that the server's certificate is for.

use std::{collections::BTreeSet, net::IpAddr};

use rcgen::SanType;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use crate::IdentityError;

/// A name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Dns(String),
    Ip(IpAddr),
}

/// Whether the text can stand in a certificate: a host name, a wildcard, or an IP address.
pub fn is_certificate_name(text: &str) -> bool {
    Name::parse(text).is_some()
}

/// The name under which the sandbox of a hosted agent finds the service.
const NAME_IN_SANDBOXES: &str = "cupola.internal";

/// This machine's own names and the configured ones.
pub(super) fn wanted(configured: &[String]) -> Result<BTreeSet<Name>, IdentityError> {
    let own = ["localhost", "127.0.0.1", "::1", NAME_IN_SANDBOXES].into_iter().filter_map(Name::parse);
    let mut names: BTreeSet<Name> = own.chain(host_name()).collect();
    for text in configured {
        let name = Name::parse(text).ok_or_else(|| IdentityError::BadName { name: text.clone() })?;
        names.insert(name);
    }
    Ok(names)
}

/// The machine's name; one that can't stand in a certificate can't be reached over TLS anyway.
fn host_name() -> Option<Name> {
    rustix::system::uname().nodename().to_str().ok().and_then(Name::parse)
}

/// The names in a certificate, or nothing where it holds one that we would not have written.
pub(super) fn of(certificate: &X509Certificate<'_>) -> Option<BTreeSet<Name>> {
    let extension = certificate.subject_alternative_name().ok()??;
    extension.value.general_names.iter().map(Name::from_general).collect()
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Ip(address));
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        let is_good = labels.len() <= 253 && labels.split('.').all(is_label) && !ends_in_number(labels);
        is_good.then_some(Self::Dns(name))
    }

    fn from_general(name: &GeneralName<'_>) -> Option<Self> {
        match name {
            GeneralName::DNSName(name) => Some(Self::Dns((*name).to_owned())),
            GeneralName::IPAddress(bytes) => {
                let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
                v4.or(v6).ok().map(Self::Ip)
            }
            _ => None,
        }
    }

    pub(super) fn to_san(&self) -> Result<SanType, IdentityError> {
        match self {
            Self::Ip(address) => Ok(SanType::IpAddress(*address)),
            Self::Dns(name) => name
                .as_str()
                .try_into()
                .map(SanType::DnsName)
                .map_err(|_| IdentityError::BadName { name: name.clone() }),
        }
    }
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(is_inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// "1.2.3.400" is a mistyped address, not a host name.
fn ends_in_number(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn host_names_wildcards_and_addresses_are_names() {
        for name in ["cupola.example.org", "*.example.org", "build-7", "192.0.2.7", "2001:db8::1", "dot.end."]
        {
            assert!(is_certificate_name(name), "{name}");
        }
    }

    #[test]
    fn urls_ports_and_mistyped_addresses_are_not() {
        for name in [
            "",
            "https://example.org",
            "example.org:8443",
            "a b",
            "1.2.3.400",
            "-a.org",
            "a..b",
            "*",
            "ä.org",
        ] {
            assert!(!is_certificate_name(name), "{name}");
        }
    }

    #[test]
    fn this_machine_is_always_among_the_names() {
        let names = wanted(&["Cupola.Example.org".to_owned()]).unwrap();
        for expected in ["localhost", "127.0.0.1", "::1", "cupola.internal", "cupola.example.org"] {
            assert!(names.contains(&Name::parse(expected).unwrap()), "{expected}");
        }
    }

    #[test]
    fn a_bad_name_is_refused_and_named() {
        let error = wanted(&["not a name".to_owned()]).unwrap_err();
        assert_eq!(error.code(), "bad_certificate_name");
        assert!(error.to_string().contains("not a name"));
    }
}
