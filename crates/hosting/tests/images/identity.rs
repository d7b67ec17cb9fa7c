//! Who the registry is told is asking, and how a registry shows who it is.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use cupola_hosting::{
    Code, ImageSource, RegistryCredentials,
    image::{DockerConfig, StoreSettings},
};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{
    Store,
    front::{Asked, Fate, Front},
    made::{Layer, Made},
    registry::Registry,
    settings,
};

/// `user:open sesame`, as it is sent.
const BASIC: &str = "Basic dXNlcjpvcGVuIHNlc2FtZQ==";

fn challenge(text: &str) -> Fate {
    let mut headers = HeaderMap::new();
    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap());
    Fate::Answer(StatusCode::UNAUTHORIZED, headers, String::new())
}

/// Lets pass what has this authorization.
fn only(asked: &Asked, wanted: &str, otherwise: &str) -> Fate {
    if asked.header("authorization") == Some(wanted) { Fate::Pass } else { challenge(otherwise) }
}

fn source(reference: String, password: &str) -> ImageSource {
    let credentials = Some(RegistryCredentials::Basic { user: "user".into(), password: password.into() });
    ImageSource { reference, credentials }
}

async fn pushed(registry: &Registry) -> String {
    registry.push("team/agent", "1", &Made::of(&[Layer::gzip(&[("agent", "a")])])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_password_are_told_where_they_are_asked_for() {
    let registry = Registry::start();
    let reference = pushed(&registry).await;
    let front = Front::new(Some(registry.address()), |asked| only(asked, BASIC, "Basic realm=\"r\"")).await;
    let reference = front.reference(&reference);
    let store = Store::new();
    let nobody = store.pull(&reference).await.unwrap_err();
    assert_eq!(nobody.code, Code::ImagePullBackOff);
    assert!(nobody.message.contains("401") && nobody.message.contains("no credentials"), "{nobody}");
    let wrong = store.pull_as(source(reference.clone(), "hunter2")).await.unwrap_err();
    assert!(
        wrong.message.contains("not good for this image") && !wrong.message.contains("hunter2"),
        "{wrong}"
    );
    store.pull_as(source(reference, "open sesame")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_docker_is_enough() {
    let registry = Registry::start();
    let reference = pushed(&registry).await;
    let front = Front::new(Some(registry.address()), |asked| only(asked, BASIC, "Basic realm=\"r\"")).await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("config.json");
    let auth = BASIC.strip_prefix("Basic ").unwrap();
    fs::write(&file, json!({"auths": {front.address.to_string(): {"auth": auth}}}).to_string()).unwrap();
    let store = Store::with(StoreSettings { docker_config: Some(DockerConfig::at(file)), ..settings() });
    store.pull(&front.reference(&reference)).await.unwrap();
}

/// A registry with a token service that gives the token `t` to who tells it `wanted`.
async fn with_tokens(registry: &Registry, is_known: fn(&Asked) -> bool) -> Front {
    Front::new(Some(registry.address()), move |asked| {
        if asked.uri.path() == "/token" {
            let asks_well = asked.uri.query().is_none_or(|query| query.contains("service=the+registry"));
            let right = is_known(asked) && asks_well;
            let status = if right { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            return Fate::Answer(status, HeaderMap::new(), json!({"access_token": "t"}).to_string());
        }
        let host = asked.header("host").unwrap();
        let text = format!("Bearer realm=\"http://{host}/token\",service=\"the registry\"");
        only(asked, "Bearer t", &text)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_where_the_registry_wants_one() {
    let registry = Registry::start();
    let reference = pushed(&registry).await;
    let front = with_tokens(&registry, |asked| asked.header("authorization") == Some(BASIC)).await;
    let reference = front.reference(&reference);
    let store = Store::new();
    let nobody = store.pull(&reference).await.unwrap_err();
    assert!(nobody.message.contains("from its token service 127.0.0.1"), "{nobody}");
    store.pull_as(source(reference, "open sesame")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_for_nobody_in_particular_too() {
    let registry = Registry::start();
    let reference = pushed(&registry).await;
    let front = with_tokens(&registry, |asked| asked.header("authorization").is_none()).await;
    Store::new().pull(&front.reference(&reference)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_is_exchanged() {
    let registry = Registry::start();
    let reference = pushed(&registry).await;
    let front =
        with_tokens(&registry, |asked| asked.method == "POST" && asked.header("authorization").is_none())
            .await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, json!({"auths": {front.address.to_string(): {"identitytoken": "i"}}}).to_string())
        .unwrap();
    let store = Store::with(StoreSettings { docker_config: Some(DockerConfig::at(file)), ..settings() });
    store.pull(&front.reference(&reference)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_the_registry_is_told_as_it_is() {
    let registry = Registry::start();
    let reference = pushed(&registry).await;
    let front = with_tokens(&registry, |_| false).await;
    let credentials = Some(RegistryCredentials::Bearer("t".into()));
    Store::new().pull_as(ImageSource { reference: front.reference(&reference), credentials }).await.unwrap();
}

/// TLS in front of a registry. Gives its address and its certificate.
async fn with_tls(registry: SocketAddr) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outside = acceptor.accept(stream).await?;
                let mut inside = TcpStream::connect(registry).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await?;
                io::Result::Ok(())
            });
        }
    });
    (address, made.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_a_certificate_of_its_own_is_trusted_where_that_is_set() {
    let registry = Registry::start();
    pushed(&registry).await;
    let (address, certificate) = with_tls(registry.address()).await;
    let reference = format!("localhost:{}/team/agent:1", address.port());

    let failure = Store::new().pull(&reference).await.unwrap_err();
    assert_eq!(failure.code, Code::ImagePullBackOff);
    assert!(failure.message.contains("certificate"), "{failure}");

    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, certificate).unwrap();
    let store = Store::with(StoreSettings { certificates: vec![file], ..settings() });
    store.pull(&reference).await.unwrap();
}
