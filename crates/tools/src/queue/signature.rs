//! The signature with which the key of an account signs a request.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;
use url::Url;

/// What of a request is signed.
pub(super) struct Signed<'r> {
    pub method: &'r str,
    pub url: &'r Url,
    pub length: usize,
    pub content_type: &'r str,
    /// Headers that begin with `x-ms-`, in the order of their names.
    pub headers: &'r [(&'r str, &'r str)],
}

impl Signed<'_> {
    /// The value of the header `authorization`; nothing where the key is none.
    pub(super) fn authorization(&self, account: &str, key: &str) -> Option<String> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(key.trim()).ok()?);
        let signature = hmac::sign(&key, self.text(account).as_bytes());
        Some(format!("SharedKey {account}:{}", BASE64_STANDARD.encode(signature)))
    }

    /// The text that is signed: one line each for headers that may be empty, then what is special to storage.
    fn text(&self, account: &str) -> String {
        let length = if self.length == 0 { String::new() } else { self.length.to_string() };
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let mut query: Vec<(String, String)> = self.url.query_pairs().into_owned().collect();
        query.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        query.sort();
        let query: String = query.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
        format!(
            "{}\n\n\n{length}\n\n{}\n\n\n\n\n\n\n{headers}/{account}{}{query}",
            self.method,
            self.content_type,
            self.url.path()
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_text_that_is_signed_has_every_part_in_its_place() {
        let url = "http://127.0.0.1/acc/q/messages?visibilitytimeout=5&NumOfMessages=2".parse().unwrap();
        let headers = [("x-ms-date", "now"), ("x-ms-version", "1")];
        let signed = Signed { method: "POST", url: &url, length: 3, content_type: "a/b", headers: &headers };
        let expected = "POST\n\n\n3\n\na/b\n\n\n\n\n\n\nx-ms-date:now\nx-ms-version:1\n/acc/acc/q/messages\
                        \nnumofmessages:2\nvisibilitytimeout:5";
        assert_eq!(signed.text("acc"), expected);
        assert!(signed.authorization("acc", "a2V5").unwrap().starts_with("SharedKey acc:"));
        assert_eq!(signed.authorization("acc", "no base64!"), None);
    }
}
