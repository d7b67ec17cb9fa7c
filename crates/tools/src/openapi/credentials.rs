//! Credentials: where an operation wants them, and that nobody reads them in what it answers.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// Shorter ones are too common to be taken out of answers.
const SHORTEST_SCRUBBED: usize = 6;

/// What proves who calls.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credential {
    /// Nothing does.
    #[default]
    Anonymous,
    /// Keys by their names, placed where the document says.
    Keys(BTreeMap<String, String>),
    /// A token.
    Token(String),
}

/// Where a credential goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Placed {
    /// Into a header.
    Header(String, String),
    /// Into the query.
    Query(String, String),
    /// Into a cookie.
    Cookie(String, String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Keys(keys) => f.debug_set().entries(keys.keys()).finish(),
            Self::Token(_) => f.write_str("Token(hidden)"),
        }
    }
}

impl fmt::Debug for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name, _) => write!(f, "Header({name})"),
            Self::Query(name, _) => write!(f, "Query({name})"),
            Self::Cookie(name, _) => write!(f, "Cookie({name})"),
        }
    }
}

impl Credential {
    /// Where it goes under these schemes; else the name of what is missing.
    pub(super) fn place(&self, schemes: &[(&str, &Value)]) -> Result<Vec<Placed>, String> {
        match self {
            Self::Anonymous => Ok(Vec::new()),
            Self::Token(token) => Ok(vec![authorization(&format!("Bearer {token}"))]),
            Self::Keys(keys) => schemes.iter().map(|(name, scheme)| place_key(keys, name, scheme)).collect(),
        }
    }

    /// A text without the credential, which some services repeat.
    pub fn scrub(&self, text: String) -> String {
        let secrets: Vec<&str> = match self {
            Self::Anonymous => Vec::new(),
            Self::Token(token) => vec![token],
            Self::Keys(keys) => keys.values().map(String::as_str).collect(),
        };
        let words = secrets.into_iter().flat_map(|secret| {
            // A key may hold the word that names its kind.
            [secret, secret.rsplit(' ').next().unwrap_or_default()]
        });
        words
            .filter(|word| word.len() >= SHORTEST_SCRUBBED)
            .fold(text, |text, word| text.replace(word, "***"))
    }
}

fn authorization(value: &str) -> Placed {
    Placed::Header("authorization".to_owned(), value.to_owned())
}

fn place_key(keys: &BTreeMap<String, String>, name: &str, scheme: &Value) -> Result<Placed, String> {
    let text = |field: &str| scheme.get(field).and_then(Value::as_str).unwrap_or_default();
    match (text("type"), text("scheme").to_ascii_lowercase().as_str()) {
        ("apiKey", _) => {
            let wanted = text("name");
            let value = find(keys, &[wanted, name]).ok_or_else(|| wanted.to_owned())?.to_owned();
            Ok(match text("in") {
                "query" => Placed::Query(wanted.to_owned(), value),
                "cookie" => Placed::Cookie(wanted.to_owned(), value),
                _ => Placed::Header(wanted.to_owned(), value),
            })
        }
        ("http", "basic") => match (keys.get("username"), keys.get("password")) {
            (Some(user), Some(password)) => {
                Ok(authorization(&format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))))
            }
            _ => prefixed(keys, name, "Basic"),
        },
        _ => prefixed(keys, name, "Bearer"),
    }
}

/// A key with the word before it that names its kind, unless it has that word already.
fn prefixed(keys: &BTreeMap<String, String>, name: &str, kind: &str) -> Result<Placed, String> {
    let value = find(keys, &["Authorization", name]).ok_or_else(|| "Authorization".to_owned())?;
    match value.split_once(' ') {
        Some((word, _)) if word.eq_ignore_ascii_case(kind) => Ok(authorization(value)),
        _ => Ok(authorization(&format!("{kind} {value}"))),
    }
}

/// The key with one of these names, however they are written, or the only one there is.
fn find<'k>(keys: &'k BTreeMap<String, String>, names: &[&str]) -> Option<&'k str> {
    let named = names.iter().find_map(|wanted| {
        keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    });
    let only = || keys.values().next().filter(|_| keys.len() == 1);
    named.or_else(only).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(pairs: &[(&str, &str)]) -> Credential {
        Credential::Keys(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    fn header(name: &str, value: &str) -> Result<Vec<Placed>, String> {
        Ok(vec![Placed::Header(name.into(), value.into())])
    }

    #[test]
    fn a_key_goes_where_its_scheme_says() {
        let credential = keys(&[("X-API-Key", "k1"), ("other", "k2")]);
        let scheme = |part: &str| json!({"type": "apiKey", "name": "x-api-key", "in": part});
        let placed = |part| credential.place(&[("a", &scheme(part))]);
        assert_eq!(placed("header"), header("x-api-key", "k1"));
        assert_eq!(placed("query"), Ok(vec![Placed::Query("x-api-key".into(), "k1".into())]));
        assert_eq!(placed("cookie"), Ok(vec![Placed::Cookie("x-api-key".into(), "k1".into())]));
        let other = json!({"type": "apiKey", "name": "gone", "in": "header"});
        assert_eq!(credential.place(&[("a", &other)]), Err("gone".to_owned()));
        assert_eq!(keys(&[("key", "only")]).place(&[("a", &other)]), header("gone", "only"));
        assert_eq!(credential.place(&[]), Ok(Vec::new()));
    }

    #[test]
    fn tokens_and_passwords_stand_in_the_header_for_them() {
        let bearer = json!({"type": "http", "scheme": "bearer"});
        for written in ["s3cret", "Bearer s3cret"] {
            let placed = keys(&[("Authorization", written)]).place(&[("b", &bearer)]);
            assert_eq!(placed, header("authorization", "Bearer s3cret"));
        }
        let basic = json!({"type": "http", "scheme": "basic"});
        let placed = keys(&[("username", "u"), ("password", "p")]).place(&[("b", &basic)]);
        assert_eq!(placed, header("authorization", "Basic dTpw"));
        assert_eq!(Credential::Token("t".into()).place(&[]), header("authorization", "Bearer t"));
    }

    #[test]
    fn an_echoed_credential_is_taken_out_and_debug_output_hides_it() {
        let credential = keys(&[("Authorization", "Bearer s3cret-token")]);
        assert_eq!(credential.scrub("got s3cret-token".into()), "got ***");
        assert_eq!(credential.scrub("got Bearer s3cret-token".into()), "got ***");
        assert!(!format!("{credential:?} {:?}", Credential::Token("s3cret".into())).contains("s3cret"));
        assert!(!format!("{:?}", Placed::Query("q".into(), "s3cret".into())).contains("s3cret"));
    }
}
