//! A credential that can be used but not printed.
//! Also removes it from texts that come back from a server, which may echo what it was sent.

use std::fmt;

/// A credential. `Debug` shows `***`; there is no `Display` and it is not serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential. White space around it (a line end in a key file) does not belong to it.
    pub fn new(value: &str) -> Self {
        Self(value.trim().to_owned())
    }

    /// Wraps what is meant to stand in a request header, if it can stand there.
    pub(crate) fn for_header(value: &str) -> Result<Self, &'static str> {
        let secret = Self::new(value);
        if secret.0.is_empty() || !secret.0.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err("holds no key: a key is one line of visible ASCII characters");
        }
        Ok(secret)
    }

    /// The credential itself, for the request header.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the credential replaced by `***`.
    pub(crate) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_credential() {
        assert_eq!(format!("{:?}", Some(Secret::new("sk-very-secret"))), "Some(***)");
    }

    #[test]
    fn what_can_not_stand_in_a_header_is_no_key() {
        assert!(Secret::for_header("sk-1\n").is_ok());
        for text in ["", " \n", "two\nlines", "ключ"] {
            assert!(Secret::for_header(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_echoed_credential_is_removed() {
        let secret = Secret::new("sk-very-secret\n");
        assert_eq!(secret.scrub("bad key sk-very-secret!"), "bad key ***!");
    }
}
