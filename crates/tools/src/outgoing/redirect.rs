//! What becomes of a request that is sent elsewhere.

use http::{
    HeaderMap, Method, StatusCode,
    header::{
        ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, LOCATION, USER_AGENT,
    },
};
use url::Url;

use super::{Failure, Request, failure::host};

/// Where an answer sends the request, if it does.
pub(super) fn target(from: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if ![301, 302, 303, 307, 308].contains(&status.as_u16()) {
        return None;
    }
    from.join(headers.get(LOCATION)?.to_str().ok()?).ok()
}

/// The request as it is made at its new address.
pub(super) fn follow(mut request: Request, status: StatusCode, to: Url) -> Result<Request, Failure> {
    if request.url.scheme() == "https" && to.scheme() == "http" {
        return Err(Failure::Downgraded { host: host(&to) });
    }
    if forgets_body(&request.method, status) {
        request.method = if request.method == Method::HEAD { Method::HEAD } else { Method::GET };
        request.body.clear();
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
            request.headers.remove(name);
        }
    }
    if request.url.origin() != to.origin() {
        request.headers = harmless(&request.headers);
    }
    request.url = to;
    Ok(request)
}

/// Whether the request becomes one that only asks, as browsers have it.
fn forgets_body(method: &Method, status: StatusCode) -> bool {
    match status.as_u16() {
        303 => method != Method::HEAD,
        301 | 302 => method == Method::POST,
        _ => false,
    }
}

/// The headers that say nothing about who asks. Credentials have many names, so it is these that are listed.
fn harmless(headers: &HeaderMap) -> HeaderMap {
    let names = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, USER_AGENT];
    let kept = names.into_iter().filter_map(|name| headers.get(&name).map(|value| (name, value.clone())));
    kept.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn posted() -> Request {
        let url = "https://a.example/x".parse().unwrap();
        let request = Request::post(url).json(&serde_json::json!({})).header("accept", "a/b").unwrap();
        let request = request.secret_header("authorization", "Bearer s").unwrap();
        request.secret_header("x-shop-key", "s").unwrap()
    }

    fn followed(status: u16, to: &str) -> Result<Request, Failure> {
        follow(posted(), StatusCode::from_u16(status).unwrap(), to.parse().unwrap())
    }

    #[test]
    fn credentials_stay_with_the_origin_they_are_for() {
        let same = followed(307, "https://a.example/y").unwrap();
        assert!(same.headers.contains_key("authorization") && same.headers.contains_key("x-shop-key"));
        for to in ["https://b.example/", "https://a.example:444/"] {
            let names: Vec<_> = followed(307, to).unwrap().headers.keys().map(ToString::to_string).collect();
            assert_eq!(names, ["accept", "content-type"], "{to}");
        }
    }

    #[test]
    fn a_request_keeps_its_body_where_the_redirect_says_so() {
        let kept = followed(308, "https://a.example/y").unwrap();
        assert_eq!((kept.method, kept.body.len()), (Method::POST, 2));
        for status in [301, 302, 303] {
            let asked = followed(status, "https://a.example/y").unwrap();
            assert_eq!((asked.method, asked.body.len()), (Method::GET, 0), "{status}");
            assert!(!asked.headers.contains_key("content-type"));
        }
    }

    #[test]
    fn a_redirect_never_leaves_encryption() {
        let downgraded = followed(302, "http://a.example/y").unwrap_err();
        assert_eq!(downgraded.code(), "bad_redirect");
    }
}
