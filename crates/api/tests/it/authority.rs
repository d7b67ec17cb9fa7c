//! The authority: programs with a client id get their tokens here.

use http::{Method, StatusCode};
use serde_json::json;

use crate::app::{Actor, Answer, CLIENT_SECRET, TestApp};

const TOKEN: &str = "/adfs/oauth2/v2.0/token";
const SCOPE: &str = "https://ai.azure.com/.default";

/// Posts a form of these parameters.
async fn ask(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    let form: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", value.replace(':', "%3A"))).collect();
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(TOKEN)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.join("&").into());
    app.anon.send(request.unwrap()).await
}

fn by_secret<'a>(client: &'a str, secret: &'a str, scope: &'a str) -> [(&'a str, &'a str); 4] {
    [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret), ("scope", scope)]
}

/// The same actor with this token.
fn holding(actor: &Actor, token: &str) -> Actor {
    actor.with_token(token)
}

#[tokio::test]
async fn a_client_with_its_secret_gets_a_token_that_opens_its_project() {
    let app = TestApp::start().await;
    let answer = ask(&app, &by_secret("reporter", CLIENT_SECRET, SCOPE)).await;
    let granted = answer.accepted();
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let reporter = holding(&app.anon, granted["access_token"].as_str().unwrap());
    reporter.get("/assistants").await.accepted();
    assert_eq!(reporter.post("/threads", json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(reporter.in_project("other").get("/assistants").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_not_right_is_refused_in_the_words_of_oauth() {
    let app = TestApp::start().await;
    let assertion = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    for (parameters, status, code) in [
        (by_secret("reporter", "a-wrong-secret-of-some-length", SCOPE).to_vec(), 401, "invalid_client"),
        (by_secret("nobody", CLIENT_SECRET, SCOPE).to_vec(), 401, "invalid_client"),
        (
            by_secret("reporter", CLIENT_SECRET, "https://graph.microsoft.com/.default").to_vec(),
            400,
            "invalid_scope",
        ),
        (by_secret("reporter", "", SCOPE).to_vec(), 400, "invalid_request"),
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![], 400, "invalid_request"),
        (
            vec![("grant_type", "client_credentials"), ("client_assertion_type", assertion)],
            400,
            "invalid_request",
        ),
    ] {
        let answer = ask(&app, &parameters).await;
        assert_eq!(answer.status.as_u16(), status, "{parameters:?}");
        let refusal = answer.json();
        assert_eq!(refusal["error"], code, "{parameters:?}");
        let sentence = refusal["error_description"].as_str().unwrap();
        assert!(!sentence.contains("a-wrong-secret"), "{sentence}");
    }
}

#[tokio::test]
async fn the_authority_says_where_everything_is() {
    let app = TestApp::start().await;
    for path in ["/adfs/.well-known/openid-configuration", "/any/v2.0/.well-known/openid-configuration"] {
        let request = http::Request::builder().uri(path).header("host", "cupola.example.org:8443");
        let answer = app.anon.send(request.body(Default::default()).unwrap()).await;
        let found = answer.accepted();
        let tenant = path.split('/').nth(1).unwrap();
        let at = |end: &str| json!(format!("https://cupola.example.org:8443/{tenant}/{end}"));
        assert_eq!(found["token_endpoint"], at("oauth2/v2.0/token"));
        assert_eq!(found["jwks_uri"], at("discovery/v2.0/keys"));
    }
    let request = http::Request::builder().uri("/adfs/discovery/v2.0/keys").body(Default::default());
    let keys = app.anon.send(request.unwrap()).await.accepted();
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&json!("OKP"), &json!("Ed25519")));
}
