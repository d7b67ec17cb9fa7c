//! Tokens, and whom the client trusts with them.

use std::sync::Arc;

use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    time::OffsetDateTime,
};
use cupola_client::{AgentsClient, ClientOptions, Error};
use rustls::{ServerConfig, crypto::ring};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use crate::{
    objects::thread,
    server::{Answer, Server, quick},
};

/// A certificate for `localhost` and a server that shows it.
fn tls() -> (String, TlsAcceptor) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let key = rustls_pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    (pem, TlsAcceptor::from(Arc::new(config)))
}

#[derive(Debug)]
struct Fixed(Option<&'static str>);

#[async_trait::async_trait]
impl TokenCredential for Fixed {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://ai.azure.com/.default"]);
        match self.0 {
            Some(token) => {
                Ok(AccessToken::new(token, OffsetDateTime::now_utc() + azure_core::time::Duration::hours(1)))
            }
            None => {
                let kind = azure_core::error::ErrorKind::Credential;
                Err(azure_core::Error::with_message(kind, "nobody is logged in"))
            }
        }
    }
}

fn options(pem: &str) -> ClientOptions {
    ClientOptions { ca_pem: Some(pem.as_bytes().to_vec()), ..quick() }
}

#[tokio::test]
async fn a_token_is_sent_over_tls_to_a_server_of_the_given_authority() {
    let (pem, tls) = tls();
    let server = Server::start_tls([Answer::json(thread("thread_1"))], tls).await;
    let client =
        AgentsClient::new(&server.endpoint(), Arc::new(Fixed(Some("t0ken"))), options(&pem)).unwrap();
    client.threads().get("thread_1").await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), "Bearer t0ken");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_gets_nothing() {
    let (_, tls) = tls();
    let server = Server::start_tls([Answer::json(thread("thread_1"))], tls).await;
    let (other, _) = self::tls();
    let client =
        AgentsClient::new(&server.endpoint(), Arc::new(Fixed(Some("t0ken"))), options(&other)).unwrap();
    let error = client.threads().get("thread_1").await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_credential_that_fails_is_a_credential_error() {
    let (pem, tls) = tls();
    let server = Server::start_tls([], tls).await;
    let client = AgentsClient::new(&server.endpoint(), Arc::new(Fixed(None)), options(&pem)).unwrap();
    let error = client.threads().get("thread_1").await.unwrap_err();
    assert!(matches!(error, Error::Credential(_)), "{error:?}");
    assert_eq!(error.to_string(), "no token from the credential: nobody is logged in");
}

#[tokio::test]
async fn a_token_is_not_sent_in_clear() {
    let error = AgentsClient::new("http://localhost/p", Arc::new(Fixed(Some("t"))), quick()).unwrap_err();
    assert!(error.to_string().contains("is not https"), "{error}");
}

#[tokio::test]
async fn the_environment_alone_is_enough_for_tokens_and_trust() {
    let (pem, tls) = tls();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let expires = (OffsetDateTime::now_utc().unix_timestamp() + 3600).to_string();
    let token = json!({"access_token": "t0ken", "expires_on": expires, "token_type": "Bearer"});
    let identity = Server::start([Answer::json(token)]).await;
    let server =
        Server::start_tls([Answer::json(thread("thread_1")), Answer::json(thread("thread_1"))], tls).await;
    let variables = [
        ("PROJECT_ENDPOINT", server.endpoint()),
        ("IDENTITY_ENDPOINT", identity.url("/msi/token")),
        ("IDENTITY_HEADER", "s3cret".to_owned()),
        ("SSL_CERT_FILE", ca.to_str().unwrap().to_owned()),
    ];
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let client = AgentsClient::from_variables(find, quick()).unwrap();
    client.threads().get("thread_1").await.unwrap();
    client.threads().get("thread_1").await.unwrap();

    assert_eq!(
        identity.lines(),
        ["GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fai.azure.com"],
        "one token serves both requests"
    );
    assert_eq!(identity.asked()[0].header("x-identity-header"), "s3cret");
    assert_eq!(server.asked()[1].header("authorization"), "Bearer t0ken");
}

#[tokio::test]
async fn a_refusal_of_the_identity_endpoint_is_quoted_without_the_secret() {
    let identity =
        Server::start([Answer::status(400, json!({"error": {"message": "unknown resource"}}))]).await;
    let variables = [
        ("PROJECT_ENDPOINT", "https://localhost:1/api/projects/demo".to_owned()),
        ("IDENTITY_ENDPOINT", identity.url("/msi/token")),
        ("IDENTITY_HEADER", "s3cret".to_owned()),
    ];
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let client = AgentsClient::from_variables(find, quick()).unwrap();
    let error = client.threads().get("thread_1").await.unwrap_err();
    assert!(matches!(error, Error::Credential(_)), "{error:?}");
    assert!(error.to_string().contains("unknown resource"), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[tokio::test]
async fn tokens_are_asked_for_with_the_retries_of_the_options() {
    for (options, attempts) in [(quick(), 3), (without_retries(), 1)] {
        let busy = || Answer::status(503, json!({"error": {"message": "busy"}}));
        let refusal = Answer::status(400, json!({"error": {"message": "unknown resource"}}));
        let identity = Server::start([busy(), busy(), refusal]).await;
        let variables = [
            ("PROJECT_ENDPOINT", "https://localhost:1/api/projects/demo".to_owned()),
            ("IDENTITY_ENDPOINT", identity.url("/msi/token")),
            ("IDENTITY_HEADER", "s3cret".to_owned()),
        ];
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let client = AgentsClient::from_variables(find, options).unwrap();
        client.threads().get("thread_1").await.unwrap_err();
        assert_eq!(identity.lines().len(), attempts);
    }
}

fn without_retries() -> ClientOptions {
    let mut options = ClientOptions::default();
    options.azure.retry = azure_core::http::RetryOptions::none();
    options
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let error =
        AgentsClient::with_key_and_options("https://localhost/p", "key", options(broken)).unwrap_err();
    assert!(error.to_string().contains("`ca_pem`"), "{error}");
}
