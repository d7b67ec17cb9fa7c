//! Lists in the form that Azure's resource areas use: `value`, and a `nextLink` where there is more.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{ApiError, Service, body::json};

/// The parameters of a query. Those that nobody asks for are ignored: every client sends some `api-version`.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query.
    pub fn parse(query: &str) -> Self {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// The value of a parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The values of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The parameters whose names begin with `prefix`, without it.
    pub fn under<'p>(&'p self, prefix: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
        let all = self.0.iter();
        all.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// A parameter that is `true` or `false`, in whatever case.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(ApiError::invalid(format!(
                "Invalid value: '{value}'. Supported values are: 'true' and 'false'."
            ))
            .code("invalid_value")
            .param(name)),
        }
    }
}

impl FromRequestParts<Service> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The address by which the client reached this service: `https://host:port`.
#[derive(Clone, Debug)]
pub struct Origin(pub String);

impl FromRequestParts<Service> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        // HTTP/2 names the host in the address, HTTP/1 in a header.
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = authority.or(host).ok_or_else(|| {
            ApiError::invalid("The request names no host. Send a Host header.").code("invalid_value")
        })?;
        Ok(Self(format!("https://{host}")))
    }
}

/// A list of documents that are JSON already.
pub fn values<'a>(documents: impl IntoIterator<Item = &'a Bytes>, next: Option<&str>) -> Response {
    let mut list = Vec::from(br#"{"value":["#.as_slice());
    for (index, document) in documents.into_iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        list.extend_from_slice(document);
    }
    list.push(b']');
    if let Some(next) = next {
        list.extend_from_slice(br#","nextLink":"#);
        list.extend_from_slice(&crate::body::document(&next));
    }
    list.push(b'}');
    json(list)
}

/// Text as a part of an address.
pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_with_their_escapes() {
        let parameters = Parameters::parse("api-version=v1&modelName=gpt%2D4o+mini&empty=");
        assert_eq!(parameters.get("modelName"), Some("gpt-4o mini"));
        assert_eq!((parameters.get("empty"), parameters.get("other")), (None, None));
    }

    #[test]
    fn a_flag_is_true_or_false_in_whatever_case() {
        let parameters = Parameters::parse("a=True&b=false&c=yes");
        assert_eq!(parameters.flag("a").expect("is a flag"), Some(true));
        assert_eq!(parameters.flag("b").expect("is a flag"), Some(false));
        assert_eq!(parameters.flag("c").expect_err("is none").detail().param.as_deref(), Some("c"));
    }
}
