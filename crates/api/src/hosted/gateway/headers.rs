//! Which headers pass between a client and a container.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of clients that containers see; with those that begin with one of [`PASSED_IN_FAMILIES`].
const PASSED_IN: &[&str] = &[
    "traceparent",
    "tracestate",
    "baggage",
    "x-ms-client-request-id",
    "x-request-id",
    "request-id",
    "correlation-context",
    "request-context",
    "ms-cv",
    "user-agent",
];

const PASSED_IN_FAMILIES: &[&str] = &["x-client-", "accept", "content-"];

/// Headers of one connection, which mean nothing on another one (RFC 9110, section 7.6.1).
const OF_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
];

/// What a container sees of a client's headers. Who the client is, it is told by the platform alone.
pub fn inward(headers: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let is_passed =
            PASSED_IN.contains(&text) || PASSED_IN_FAMILIES.iter().any(|family| text.starts_with(family));
        if is_passed && *name != header::CONTENT_LENGTH {
            passed.append(name.clone(), value.clone());
        }
    }
    passed.insert(header::HOST, HeaderValue::from_static("localhost"));
    passed
}

/// What a client sees of a container's headers: all but those of the connection, and nothing that would speak
/// for this service.
pub fn outward(headers: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if !OF_CONNECTION.contains(name) && *name != header::SET_COOKIE && *name != header::SERVER {
            passed.append(name.clone(), value.clone());
        }
    }
    passed
}

/// A header with a value that may hold anything; what can't stand in a header is left out.
pub fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_cookies_stay_outside() {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "api-key", "cookie", "host", "x-forwarded-for", "x-agent-user-id"] {
            headers.insert(name, HeaderValue::from_static("secret"));
        }
        headers.insert("x-client-tenant", HeaderValue::from_static("a"));
        headers.insert("content-type", HeaderValue::from_static("text/plain"));
        let passed = inward(&headers);
        let names: Vec<_> = passed.keys().map(HeaderName::as_str).collect();
        assert_eq!(passed["host"], "localhost");
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    fn headers_of_the_connection_do_not_pass() {
        let mut headers = HeaderMap::new();
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        headers.insert("x-platform-server", HeaderValue::from_static("echo"));
        let passed = outward(&headers);
        assert_eq!(passed.len(), 1);
        assert_eq!(passed["x-platform-server"], "echo");
    }
}
