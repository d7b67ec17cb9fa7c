//! `cupola token`.

use reqwest::{Certificate, Client, StatusCode};

use crate::home::Home;

async fn status_with(home: &Home, token: &str) -> StatusCode {
    // A second test in this process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = Certificate::from_pem(&std::fs::read(home.data().join("tls/ca.pem")).unwrap()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap();
    let url = format!("{}/assistants?api-version=v1", home.client().endpoint());
    client.get(url).bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn the_server_accepts_the_token_and_no_other() {
    let home = Home::new();
    let token = home.output_of(&["token"]);
    let _server = home.serve();
    assert_eq!(status_with(&home, token.trim()).await, StatusCode::OK);
    let other = Home::new().output_of(&["token"]);
    assert_eq!(status_with(&home, other.trim()).await, StatusCode::UNAUTHORIZED);
}

#[test]
fn the_token_stands_alone_on_standard_output() {
    let ended = Home::new().run(&["token"]);
    assert_eq!(ended.err, "");
    let line = ended.out.strip_suffix('\n').unwrap();
    assert_eq!(line.split('.').count(), 3, "{line}");
    assert!(!line.contains(char::is_whitespace), "{line}");
}

#[test]
fn json_tells_when_the_token_ends() {
    let told = Home::new().json_of(&["token"]);
    assert_eq!(told["token_type"], "Bearer");
    assert_eq!(told["expires_in"], 3600);
    assert!(told["expires_on"].as_u64().unwrap() > 1_700_000_000, "{told}");
    assert_eq!(told["access_token"].as_str().unwrap().split('.').count(), 3);
}
