//! Tells a registry who is asking, in the way that its challenge wants.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_auth::{ChallengeRef, parse_challenges};
use reqwest::{
    Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use serde::Deserialize;

use super::{Credentials, Problem, Registry, read_at_most};

/// The largest answer of a token service that is read.
const LARGEST_TOKEN: u64 = 1 << 20;

/// What a registry wants to see.
enum Challenge {
    /// A name and a password with each request.
    Basic,
    /// A token, which its token service gives.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry<'_> {
    /// What the registry is to be told after it answered 401 with these headers. `None` if there is nothing
    /// that it could be told.
    pub(super) async fn authorize(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Problem> {
        if let Credentials::Bearer(token) = &self.credentials {
            return secret(format_args!("Bearer {token}")).map(Some);
        }
        match (wanted(headers), &self.credentials) {
            (Some(Challenge::Basic), Credentials::Basic { user, password }) => {
                basic(user, password).map(Some)
            }
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                let scope =
                    scope.unwrap_or_else(|| format!("repository:{}:pull", self.reference.repository()));
                let token = self.token(&realm, service.as_deref(), &scope).await?;
                secret(format_args!("Bearer {token}")).map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn token(&self, realm: &str, service: Option<&str>, scope: &str) -> Result<String, Problem> {
        let mut url = self.checked(realm)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut fields = vec![("scope", scope)];
        fields.extend(service.map(|service| ("service", service)));
        let request = match &self.credentials {
            Credentials::Identity(token) => {
                fields.extend([
                    ("grant_type", "refresh_token"),
                    ("client_id", "cupola"),
                    ("refresh_token", token),
                ]);
                self.http
                    .post(url)
                    .body(form(&fields))
                    .header("content-type", "application/x-www-form-urlencoded")
            }
            Credentials::Basic { user, password } => {
                url.query_pairs_mut().extend_pairs(&fields);
                self.http.get(url).header(AUTHORIZATION, basic(user, password)?)
            }
            Credentials::Anonymous | Credentials::Bearer(_) => {
                url.query_pairs_mut().extend_pairs(&fields);
                self.http.get(url)
            }
        };
        let answer = request.send().await?;
        match answer.status() {
            StatusCode::OK => read_token(answer, &host).await,
            // Its words are left out: it was given secrets and could repeat them.
            status => Err(Problem::Answered { status, words: format!("from its token service {host}") }),
        }
    }

    /// Secrets go out over TLS unless the registry itself does without.
    fn checked(&self, realm: &str) -> Result<Url, Problem> {
        let url = Url::parse(realm).ok();
        url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && self.plain)).ok_or_else(|| {
            let realm: String = realm.chars().take(200).collect();
            Problem::Misbehaved(format!(
                "tokens are to be fetched from '{}', no address with TLS",
                realm.escape_debug()
            ))
        })
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut address = url::form_urlencoded::Serializer::new(String::new());
    address.extend_pairs(fields).finish()
}

async fn read_token(answer: Response, host: &str) -> Result<String, Problem> {
    let bytes = read_at_most(answer, LARGEST_TOKEN).await?;
    let token =
        serde_json::from_slice::<Answer>(&bytes).ok().and_then(|answer| answer.token.or(answer.access_token));
    token.ok_or_else(|| Problem::Misbehaved(format!("its token service {host} gave no token")))
}

/// The first challenge that can be met. Tokens go before passwords.
fn wanted(headers: &HeaderMap) -> Option<Challenge> {
    let texts: Vec<&str> =
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
    let challenges: Vec<ChallengeRef<'_>> =
        texts.iter().filter_map(|text| parse_challenges(text).ok()).flatten().collect();
    let has = |challenge: &ChallengeRef<'_>, scheme: &str| challenge.scheme.eq_ignore_ascii_case(scheme);
    if let Some(bearer) = challenges.iter().find(|challenge| has(challenge, "bearer")) {
        let parameter = |wanted: &str| {
            let found = bearer.params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = parameter("realm")?;
        return Some(Challenge::Bearer { realm, service: parameter("service"), scope: parameter("scope") });
    }
    challenges.iter().any(|challenge| has(challenge, "basic")).then_some(Challenge::Basic)
}

fn basic(user: &str, password: &str) -> Result<HeaderValue, Problem> {
    secret(format_args!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// A header that no log shows.
fn secret(value: fmt::Arguments<'_>) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::try_from(value.to_string())
        .map_err(|_| Problem::Misbehaved("the token has characters that no header can have".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn challenge(value: &'static str) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        wanted(&headers)
    }

    #[test]
    fn challenges_of_registries_are_read() {
        let bearer = "Bearer realm=\"https://auth.example.com/token\",service=\"r.example.com\",\
            scope=\"repository:a/b:pull,push\"";
        let Some(Challenge::Bearer { realm, service, scope }) = challenge(bearer) else {
            panic!("no bearer")
        };
        assert_eq!(realm, "https://auth.example.com/token");
        assert_eq!(service.as_deref(), Some("r.example.com"));
        assert_eq!(scope.as_deref(), Some("repository:a/b:pull,push"));
        assert!(matches!(challenge(r#"Basic realm="r""#), Some(Challenge::Basic)));
        assert!(matches!(
            challenge(r#"BASIC realm="r", Bearer realm="https://x/""#),
            Some(Challenge::Bearer { .. })
        ));
    }

    #[test]
    fn what_is_no_challenge_is_none() {
        for value in ["", "Negotiate", "Bearer", "Bearer service=\"x\"", "Basic realm=\"", ",,,\"="] {
            assert!(challenge(value).is_none_or(|found| matches!(found, Challenge::Basic)), "{value}");
        }
        assert!(challenge("Bearer service=\"x\"").is_none());
    }

    #[test]
    fn no_log_shows_a_header_with_a_secret() {
        let header = basic("user", "open sesame").unwrap();
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
