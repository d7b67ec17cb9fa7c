//! `If-Match`: a write that happens only if the item is still the one that was read.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};

use crate::{ApiError, Service};

/// What `If-Match` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing.
    Whatever,
    /// That there is one.
    Exists,
    /// That it is in this version.
    Is(String),
}

impl FromRequestParts<Service> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        let sent = parts.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
        Ok(Self::of(sent))
    }
}

impl IfMatch {
    fn of(sent: Option<&str>) -> Self {
        match sent.map(str::trim) {
            None | Some("") => Self::Whatever,
            Some("*") => Self::Exists,
            Some(etag) => Self::Is(etag.to_owned()),
        }
    }

    /// Whether this is the one; nothing where there is none.
    pub fn is_met(&self, etag: Option<&str>) -> bool {
        match self {
            Self::Whatever => true,
            Self::Exists => etag.is_some(),
            Self::Is(wanted) => etag.is_some_and(|etag| bare(etag) == bare(wanted)),
        }
    }
}

/// Some clients take the quotes away.
fn bare(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

/// The 412, with the version that there is.
pub fn failed(what: &str, etag: Option<&str>) -> Response {
    let message = match etag {
        Some(_) => format!("{what} is not in the version that If-Match names. Read it again."),
        None => format!("{what} does not exist, and If-Match asks for one that does."),
    };
    with_etag(ApiError::precondition(message).into_response(), etag)
}

/// An answer with the version of what it is about.
pub fn with_etag(mut response: Response, etag: Option<&str>) -> Response {
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_matches_with_and_without_its_quotes() {
        for sent in ["\"a\"", "a", "W/\"a\""] {
            assert!(IfMatch::of(Some(sent)).is_met(Some("\"a\"")), "{sent}");
        }
        assert!(!IfMatch::of(Some("\"b\"")).is_met(Some("\"a\"")));
        assert!(!IfMatch::of(Some("\"a\"")).is_met(None));
    }

    #[test]
    fn a_star_asks_for_something_and_nothing_asks_for_nothing() {
        assert!(IfMatch::of(Some("*")).is_met(Some("\"a\"")));
        assert!(!IfMatch::of(Some("*")).is_met(None));
        assert!(IfMatch::of(None).is_met(None));
    }
}
