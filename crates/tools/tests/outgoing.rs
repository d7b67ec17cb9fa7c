//! Requests against a real server on this machine: what is refused, followed, cut and waited for.
#![allow(clippy::unwrap_used)]

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{any, get},
};
use bytes::Bytes;
use cupola_tools::outgoing::{Allow, Failure, Outgoing, Patience, Request};
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;

/// A server that says what it was sent, and sends elsewhere.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route(
            "/headers",
            any(|headers: HeaderMap, body: Bytes| async move {
                let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
                names.sort();
                format!("{} [{}]", names.join(" "), String::from_utf8_lossy(&body))
            }),
        )
        .route("/to/{*target}", any(|Path(target): Path<String>| async move { Redirect::temporary(&target) }))
        .route("/again", any(|| async { Redirect::temporary("/again") }))
        .route("/many", get(|| async { "x".repeat(1000) }))
        .route("/silent", get(|| async { std::future::pending::<StatusCode>().await }))
        .route("/stalls", get(stalls));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn stalls() -> Response {
    let first = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"first")) });
    Body::from_stream(first.chain(stream::pending())).into_response()
}

fn outgoing(allow: &[&str]) -> Outgoing {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Outgoing::new(Allow::read(allow).unwrap()).unwrap()
}

fn get_request(url: &str) -> Request {
    Request::get(url.parse().unwrap())
}

async fn text(outgoing: &Outgoing, url: &str) -> Result<String, Failure> {
    let answer = outgoing.send(get_request(url)).await?;
    answer.bytes().await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn this_machine_is_refused_under_every_name() {
    let port = server().await.port();
    let outgoing = outgoing(&[]);
    for host in ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0"] {
        let failure = text(&outgoing, &format!("http://{host}:{port}/headers?key=s3cret")).await.unwrap_err();
        assert_eq!(failure.code(), "address_not_allowed", "{host}: {failure}");
        assert!(failure.to_string().contains("[tools] allow") && !failure.to_string().contains("s3cret"));
    }
}

#[tokio::test]
async fn what_the_configuration_allows_is_reached() {
    let port = server().await.port();
    for allowed in ["127.0.0.1", "127.0.0.0/8"] {
        let outgoing = outgoing(&[allowed]);
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("http://{host}:{port}/headers");
            assert!(text(&outgoing, &url).await.unwrap().contains("user-agent"), "{allowed} {host}");
        }
    }
    let by_name = outgoing(&[&format!("localhost:{port}")]);
    assert!(text(&by_name, &format!("http://localhost:{port}/headers")).await.is_ok());
    let refused = text(&by_name, &format!("http://127.0.0.1:{port}/headers")).await.unwrap_err();
    assert_eq!(refused.code(), "address_not_allowed");
}

#[tokio::test]
async fn a_redirect_does_not_lead_where_a_request_may_not() {
    let port = server().await.port();
    let outgoing = outgoing(&[&format!("127.0.0.1:{port}")]);
    for target in ["http://169.254.169.254/latest/meta-data", "http://localhost:1/", "http://[::1]/"] {
        let url = format!("http://127.0.0.1:{port}/to/{target}");
        assert_eq!(text(&outgoing, &url).await.unwrap_err().code(), "address_not_allowed", "{target}");
    }
    let elsewhere = text(&outgoing, &format!("http://127.0.0.1:{port}/to/file:///etc/passwd")).await;
    assert_eq!(elsewhere.unwrap_err().code(), "invalid_request");
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_origin() {
    let (one, other) = (server().await.port(), server().await.port());
    let outgoing = outgoing(&["127.0.0.1"]);
    let seen = async |target: String| {
        let url = format!("http://127.0.0.1:{one}/to/{target}").parse().unwrap();
        let request = Request::post(url).json(&serde_json::json!({"a": 1}));
        let request = request.secret_header("authorization", "Bearer s").unwrap();
        let request = request.secret_header("x-key", "s").unwrap();
        let answer = outgoing.send(request).await.unwrap();
        String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap()
    };
    let same = seen(format!("http://127.0.0.1:{one}/headers")).await;
    assert!(
        same.contains("authorization") && same.contains("x-key") && same.ends_with("[{\"a\":1}]"),
        "{same}"
    );
    let elsewhere = seen(format!("http://127.0.0.1:{other}/headers")).await;
    assert!(!elsewhere.contains("authorization") && !elsewhere.contains("x-key"), "{elsewhere}");
    assert!(elsewhere.ends_with("[{\"a\":1}]"));
}

#[tokio::test]
async fn redirects_without_end_are_not_followed() {
    let port = server().await.port();
    let outgoing = outgoing(&["127.0.0.1"]);
    let url = format!("http://127.0.0.1:{port}/again");
    assert_eq!(text(&outgoing, &url).await.unwrap_err().code(), "bad_redirect");
    let unfollowed = outgoing.send(get_request(&url).without_redirects()).await.unwrap();
    assert_eq!(unfollowed.status(), 307);
}

#[tokio::test]
async fn no_more_of_an_answer_is_read_than_was_asked_for() {
    let port = server().await.port();
    let outgoing = outgoing(&["127.0.0.1"]);
    let send = async |limit| {
        let request = get_request(&format!("http://127.0.0.1:{port}/many")).limit(limit);
        outgoing.send(request).await.unwrap()
    };
    assert_eq!(send(1000).await.bytes().await.unwrap().len(), 1000);
    assert_eq!(send(999).await.bytes().await.unwrap_err().code(), "too_large");
    let beginning = send(999).await.beginning().await.unwrap();
    assert_eq!((beginning.bytes.len(), beginning.is_cut), (999, true));
    assert!(!send(1000).await.beginning().await.unwrap().is_cut);
    let streamed: Vec<_> = send(10).await.into_stream().collect().await;
    assert!(matches!(streamed.last(), Some(Err(Failure::TooLarge { limit: 10, .. }))));
}

#[tokio::test]
async fn nothing_is_waited_for_without_end() {
    let port = server().await.port();
    let outgoing = outgoing(&["127.0.0.1"]);
    let short = Duration::from_millis(50);
    let request = |path: &str| get_request(&format!("http://127.0.0.1:{port}{path}"));
    let patience = Patience { head: short, ..Patience::default() };
    let silent = outgoing.send(request("/silent").patience(patience)).await.unwrap_err();
    assert!(silent.to_string().contains("did not answer within 50 milliseconds"), "{silent}");
    for patience in [
        Patience { idle: short, ..Patience::default() },
        Patience { whole: Duration::from_millis(300), ..Patience::default() },
    ] {
        let answer = outgoing.send(request("/stalls").patience(patience)).await.unwrap();
        assert_eq!(answer.bytes().await.unwrap_err().code(), "timeout");
    }
}

#[tokio::test]
async fn what_is_no_web_address_is_refused_without_its_secrets() {
    let outgoing = outgoing(&["127.0.0.1"]);
    for url in ["ftp://a.example/?k=s3cret", "http://user:s3cret@127.0.0.1/", "data:text/plain,x"] {
        let failure = text(&outgoing, url).await.unwrap_err();
        assert_eq!(failure.code(), "invalid_request");
        assert!(!failure.to_string().contains("s3cret"), "{failure}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told_with_its_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let failure = text(&outgoing(&["127.0.0.1"]), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!(failure.code(), "unreachable");
    assert!(failure.to_string().contains("refused"), "{failure}");
}
