//! How a storage account lets in: by its key, by a signature that somebody made, or by a token.

use std::fmt;

use url::Url;

/// How a storage account lets in.
#[derive(Clone, PartialEq, Eq)]
pub enum Access {
    /// By the key of the account.
    Key {
        /// The account.
        account: String,
        /// Its key, in base64.
        key: String,
    },
    /// By a shared access signature.
    Signature(String),
    /// By a token.
    Token(String),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { account, .. } => {
                f.debug_struct("Key").field("account", account).finish_non_exhaustive()
            }
            Self::Signature(_) => f.write_str("Signature(hidden)"),
            Self::Token(_) => f.write_str("Token(hidden)"),
        }
    }
}

impl Access {
    /// From a connection string, as storage accounts and `AzureWebJobsStorage` have it.
    pub fn from_connection_string(text: &str) -> Option<Self> {
        let field = |wanted: &str| {
            let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            let mut found = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.next().map(|(_, value)| value.trim().to_owned())
        };
        match (field("AccountName"), field("AccountKey"), field("SharedAccessSignature")) {
            (Some(account), Some(key), _) => Some(Self::Key { account, key }),
            (_, None, Some(signature)) => Some(Self::Signature(signature)),
            _ => None,
        }
    }

    /// From what a connection holds, for the account at this address: a connection string, a signature or a key.
    pub fn from_secret(secret: &str, endpoint: &Url) -> Option<Self> {
        if secret.contains("AccountKey=") || secret.contains("SharedAccessSignature=") {
            return Self::from_connection_string(secret);
        }
        if secret.contains("sig=") {
            return Some(Self::Signature(secret.trim_start_matches('?').to_owned()));
        }
        account(endpoint).map(|account| Self::Key { account, key: secret.to_owned() })
    }
}

/// The account at an address: the first part of its host, or of its path where the host is an emulator.
pub(super) fn account(endpoint: &Url) -> Option<String> {
    let in_path = endpoint.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default();
    match endpoint.domain() {
        Some(domain) if in_path.is_empty() && domain.contains('.') => {
            domain.split('.').next().map(str::to_owned)
        }
        _ if !in_path.is_empty() => Some(in_path.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_form_of_secret_is_understood() {
        let endpoint: Url = "https://shop.queue.core.windows.net".parse().unwrap();
        let read = |secret: &str| Access::from_secret(secret, &endpoint).unwrap();
        let key = |account: &str, key: &str| Access::Key { account: account.into(), key: key.into() };
        assert_eq!(
            read("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5==;"),
            key("a", "a2V5==")
        );
        assert_eq!(
            read("QueueEndpoint=https://x;SharedAccessSignature=sv=1&sig=2"),
            Access::Signature("sv=1&sig=2".into())
        );
        assert_eq!(read("?sv=1&sig=2"), Access::Signature("sv=1&sig=2".into()));
        assert_eq!(read("a2V5"), key("shop", "a2V5"));
        let emulator: Url = "http://127.0.0.1:10001/devstoreaccount1".parse().unwrap();
        assert_eq!(Access::from_secret("a2V5", &emulator).unwrap(), key("devstoreaccount1", "a2V5"));
        assert!(!format!("{:?} {:?}", read("a2V5"), read("?sig=2")).contains("a2V5"));
    }
}
