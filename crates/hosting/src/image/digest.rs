//! Digests, `sha256:` and 64 hexadecimal digits: the only names that reach a path of the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "sha256:";

/// A digest that is well formed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Digest(String);

impl Digest {
    /// Reads one. Other algorithms than SHA-256 are not in use.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(ALGORITHM)?;
        let plain = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| Self(text.to_owned()))
    }

    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    /// That of what the hasher was given.
    pub fn finish(hasher: Sha256) -> Self {
        Self(format!("{ALGORITHM}{}", hex::encode(hasher.finalize())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for a file or folder.
    pub fn file_name(&self) -> String {
        self.0.replace(':', "-")
    }

    /// Reads what [`Self::file_name`] gave.
    pub fn from_file_name(name: &str) -> Option<Self> {
        Self::parse(&name.replacen('-', ":", 1))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let shown: String = text.chars().take(80).collect();
        Self::parse(&text).ok_or_else(|| format!("'{}' is not a SHA-256 digest", shown.escape_debug()))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_digests_become_names() {
        let digest = Digest::of(b"");
        assert_eq!(
            digest.as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Digest::from_file_name(&digest.file_name()), Some(digest));
        for damaged in ["", "sha256:", "sha256:../../etc", "sha512:00", &format!("sha256:{}", "A".repeat(64))]
        {
            assert_eq!(Digest::parse(damaged), None);
        }
    }
}
