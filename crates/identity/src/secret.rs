//! A text that proves something, and so must never be printed by accident.

use std::{fmt, path::Path};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    IdentityError,
    files::{self, Access},
};

/// A secret text. `Debug` does not show it; [`Secret::expose`] does.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Guards a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// A fresh one of 256 random bits.
    pub(crate) fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()))
    }

    /// The one in the file, which is created where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, IdentityError> {
        let Some(text) = files::read(path)? else {
            let secret = Self::random();
            files::write(path, secret.expose(), Access::Private)?;
            return Ok(secret);
        };
        if text.len() < 32 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(IdentityError::Unusable {
                path: path.into(),
                reason: "it must hold at least 32 letters and digits and nothing else".into(),
                remedy: "Delete it; a new one is made, and clients need `cupola env` again",
            });
        }
        Ok(Self(text))
    }

    /// The text itself, for the one place that sends or prints it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares without telling by its duration how much of it was right.
    pub(crate) fn matches(&self, other: &str) -> bool {
        let digest = |text: &str| -> [u8; 32] { Sha256::digest(text).into() };
        digest(&self.0).ct_eq(&digest(other)).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_second_start_reads_what_the_first_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("header.secret");
        let first = Secret::open(&path).unwrap();
        assert_eq!(Secret::open(&path).unwrap().expose(), first.expose());
        assert_eq!(first.expose().len(), 64);
    }

    #[test]
    fn an_emptied_file_is_refused_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("header.secret");
        std::fs::write(&path, "").unwrap();
        let error = Secret::open(&path).unwrap_err();
        assert!(error.to_string().contains("header.secret is not usable"), "{error}");
    }

    #[test]
    fn debug_output_hides_it() {
        let secret = Secret::random();
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::random();
        assert!(secret.matches(secret.expose()));
        assert!(!secret.matches(&secret.expose()[1..]));
        assert!(!secret.matches(""));
    }
}
