//! What is said when an image can't be had, or can't be used; and that nothing of it is left then.

use std::{net::TcpListener, time::Duration};

use axum::http::{HeaderMap, StatusCode};
use cupola_hosting::{
    Code, Failure,
    image::{ImageLimits, ImageStore, Patience, StoreSettings},
};
use serde_json::json;

use crate::{
    Store,
    front::{Fate, Front},
    made::{Layer, Made, noise},
    mounted::Mounted,
    registry::Registry,
    settings,
};

fn says(failure: &Failure, code: Code, parts: &[&str]) {
    assert_eq!(failure.code, code, "{failure}");
    for part in parts {
        assert!(failure.message.contains(part), "'{part}' is not in: {failure}");
    }
}

/// Pushes an image, pulls it, and gives why it is refused.
async fn refused(made: &Made, settings: StoreSettings) -> Failure {
    let (registry, store) = (Registry::start(), Store::with(settings));
    let reference = registry.push("agent", "1", made).await;
    let failure = store.pull(&reference).await.unwrap_err();
    assert_eq!(store.holds(), (0, 0, 0));
    assert!(failure.message.contains(&reference), "{failure}");
    failure
}

fn agent() -> Layer {
    Layer::gzip(&[("agent", "a")])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there() {
    let (registry, store) = (Registry::start(), Store::new());
    let reference = format!("{}/ghost:1", registry.address());
    let failure = store.pull(&reference).await.unwrap_err();
    let address = registry.address().to_string();
    says(
        &failure,
        Code::ImagePullBackOff,
        &[&address, "404 Not Found", "MANIFEST_UNKNOWN", "There is no such image"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_down() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let failure = Store::new().pull(&format!("{address}/agent")).await.unwrap_err();
    says(&failure, Code::ImagePullBackOff, &[&address.to_string(), "can't be reached", "refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_says_nothing() {
    let front = Front::new(None, |asked| match asked.uri.path() {
        "/v2/" => Fate::Answer(StatusCode::OK, HeaderMap::new(), "{}".into()),
        _ => Fate::Silence,
    })
    .await;
    let patience =
        Patience { silence: Duration::from_millis(200), attempts: 2, pause: Duration::from_millis(1) };
    let store = Store::with(StoreSettings { patience, ..settings() });
    let failure = store.pull(&format!("{}/agent", front.address)).await.unwrap_err();
    says(&failure, Code::ImagePullBackOff, &["said nothing for 200ms"]);
    assert_eq!(front.kinds(), ["HEAD manifests", "HEAD manifests"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_refuses() {
    for (status, words) in
        [(StatusCode::FORBIDDEN, "DENIED: not yours"), (StatusCode::UNAUTHORIZED, "DENIED: not yours")]
    {
        let body = json!({"errors": [{"code": "DENIED", "message": "not yours"}]}).to_string();
        let front = Front::new(None, move |_| Fate::Answer(status, HeaderMap::new(), body.clone())).await;
        let store = Store::new();
        let failure = store.pull(&format!("{}/agent", front.address)).await.unwrap_err();
        says(
            &failure,
            Code::ImagePullBackOff,
            &[status.as_str(), words, "registry_connection_id", "docker login"],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_fails_and_one_that_limits() {
    for (status, advice) in
        [(StatusCode::BAD_GATEWAY, "Try again later"), (StatusCode::TOO_MANY_REQUESTS, "limits")]
    {
        let front = Front::new(None, move |_| Fate::Answer(status, HeaderMap::new(), "<html>".into())).await;
        let failure = Store::new().pull(&format!("{}/agent", front.address)).await.unwrap_err();
        says(&failure, Code::ImagePullBackOff, &[status.as_str(), advice]);
        assert_eq!(front.kinds().iter().filter(|kind| *kind == "GET manifests").count(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_without_end_is_not_read() {
    let endless = "x".repeat(5 << 20);
    let front =
        Front::new(None, move |_| Fate::Answer(StatusCode::OK, HeaderMap::new(), endless.clone())).await;
    let failure = Store::new().pull(&format!("{}/agent", front.address)).await.unwrap_err();
    says(&failure, Code::ImagePullBackOff, &["more than the 4194304 bytes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_for_another_machine() {
    let failure = refused(
        &Made::with(&[agent()], json!({"architecture": "s390x", "config": {"Cmd": ["/a"]}})),
        settings(),
    )
    .await;
    says(
        &failure,
        Code::InvalidContainerImage,
        &["wrong architecture: it has linux/s390x, and this machine is linux/"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_starts_nothing() {
    let failure = refused(&Made::with(&[agent()], json!({})), settings()).await;
    says(&failure, Code::InvalidContainerImage, &["nothing to start", "ENTRYPOINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_another_kind() {
    let mut made = Made::of(&[agent()]);
    made.manifest["layers"][0]["mediaType"] = "application/vnd.example.model".into();
    let failure = refused(&made, settings()).await;
    says(&failure, Code::InvalidContainerImage, &["application/vnd.example.model", "not supported"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_is_not_what_the_configuration_says() {
    let other = crate::made::digest(b"other");
    let config = json!({"config": {"Cmd": ["/a"]}, "rootfs": {"type": "layers", "diff_ids": [other]}});
    let failure = refused(&Made::with(&[agent()], config), settings()).await;
    says(&failure, Code::InvalidContainerImage, &["damaged", &other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_writes_where_it_must_not() {
    let failure = refused(&Made::of(&[Layer::gzip(&[(".wh...", "")])]), settings()).await;
    says(&failure, Code::InvalidContainerImage, &["hides nothing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_too_large() {
    let made = Made::of(&[Layer::gzip(&[("agent", &"0".repeat(1 << 20)), ("b", "")]), agent()]);
    for (limits, what) in [
        (ImageLimits { download_bytes: 100, ..ImageLimits::default() }, "100 are the limit"),
        (ImageLimits { unpacked_bytes: 100_000, ..ImageLimits::default() }, "more than 100000 bytes"),
        (ImageLimits { entries: 1, ..ImageLimits::default() }, "more than 1 files"),
        (ImageLimits { layers: 1, ..ImageLimits::default() }, "2 layers, and 1 are the limit"),
    ] {
        let failure = refused(&made, StoreSettings { limits, ..settings() }).await;
        says(&failure, Code::InvalidContainerImage, &[what]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_are_damaged_or_break_off_for_good() {
    let (registry, store) = (Registry::start(), Store::new());
    let layer = Layer::gzip(&[("agent", &noise(10_000))]);
    let digest = layer.digest();
    let reference = registry.push("agent", "1", &Made::of(&[layer])).await;
    let damaged = digest.clone();
    let front =
        Front::new(
            Some(registry.address()),
            move |asked| {
                if asked.is_blob(&damaged) { Fate::Damage } else { Fate::Pass }
            },
        )
        .await;
    let failure = store.pull(&front.reference(&reference)).await.unwrap_err();
    says(&failure, Code::InvalidContainerImage, &["sent a damaged layer", &digest]);
    let front = Front::new(Some(registry.address()), move |asked| {
        if asked.is_blob(&digest) { Fate::BreakOff(0) } else { Fate::Pass }
    })
    .await;
    let failure = store.pull(&front.reference(&reference)).await.unwrap_err();
    says(&failure, Code::ImagePullBackOff, &["broke off"]);
    assert_eq!(store.holds(), (0, 0, 0));
    assert!(store.pull(&reference).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_while_unpacking() {
    let registry = Registry::start();
    let disk = Mounted::memory("size=1m");
    let store = ImageStore::open(disk.path().join("images"), settings()).unwrap();
    let large = Made::of(&[Layer::gzip(&[("agent", &"0".repeat(4 << 20))])]);
    let reference = registry.push("agent", "large", &large).await;
    let source = cupola_hosting::ImageSource { reference, credentials: None };
    let failure = store.pull(&source, &|_| {}).await.unwrap_err();
    says(&failure, Code::SandboxUnavailable, &["no room for images", "is full"]);
    let small = registry.push("agent", "small", &Made::of(&[agent()])).await;
    let source = cupola_hosting::ImageSource { reference: small, credentials: None };
    assert!(store.pull(&source, &|_| {}).await.is_ok());
}
