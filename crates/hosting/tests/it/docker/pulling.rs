//! Fetching images.

use bollard::query_parameters::{RemoveImageOptions, TagImageOptionsBuilder};
use cupola_hosting::{
    Code, DockerRuntime, DockerSettings, Failure, ImageSource, Program, Progress, RegistryCredentials,
    Runtime as _, Source,
};

use super::{
    host::Host,
    images::{self, ARCHITECTURES, Image, SHELL},
    registry::Registry,
};

/// Its base64 has letters that differ between the two alphabets.
const PASSWORD: &str = "a>b?c~d>>>???~~~";

/// The same, as the registry keeps it.
const PASSWORD_HASH: &str = "$2b$04$KBQzXRUK1v7KoSZ3oDGh/.e3chYiMf.8.UHYcD/kvuoMRgxGlKHJu";

fn assert_failure(failure: &Failure, code: Code, parts: &[&str]) {
    assert_eq!(failure.code, code, "{failure}");
    for part in parts {
        assert!(failure.message.contains(part), "{part} in {failure}");
    }
}

#[tokio::test]
async fn an_image_is_fetched_by_tag_and_then_by_its_digest_without_a_second_transfer() {
    let host = Host::new("tag").await;
    let reference = host.reference("team/agent:1");
    images::publish(&host.docker, &SHELL, &reference).await;

    let (first, progress) = host.prepare(&reference).await;
    let first = first.unwrap();
    assert!(first.digest.starts_with("sha256:"), "{first:?}");
    assert_eq!(progress.first(), Some(&Progress::Resolving));
    assert!(progress.contains(&Progress::Unpacking), "{progress:?}");
    assert_eq!(progress.last(), Some(&Progress::Present { cached: false }));

    let pinned = format!("{}@{}", host.reference("team/agent"), first.digest);
    for again in [reference.as_str(), &pinned] {
        let (second, progress) = host.prepare(again).await;
        assert_eq!(second.unwrap().digest, first.digest);
        assert_eq!(progress, [Progress::Resolving, Progress::Present { cached: true }]);
    }
    host.close().await;
}

#[tokio::test]
async fn a_tag_that_moves_is_followed() {
    let host = Host::new("moves").await;
    let reference = host.reference("agent:1");
    images::publish(&host.docker, &SHELL, &reference).await;
    let first = host.prepare(&reference).await.0.unwrap();
    images::publish(&host.docker, &SHELL, &reference).await;
    let second = host.prepare(&reference).await.0.unwrap();
    assert_ne!(first.digest, second.digest);
    host.close().await;
}

#[tokio::test]
async fn what_is_forgotten_is_fetched_again() {
    let host = Host::new("forget").await;
    let prepared = host.shell().await;
    host.runtime.forget(&prepared).await.unwrap();
    host.runtime.forget(&prepared).await.unwrap();
    let (_, progress) = host.prepare_source(&prepared.source).await;
    assert_eq!(progress.last(), Some(&Progress::Present { cached: false }));
    host.close().await;
}

#[tokio::test]
async fn what_has_a_name_of_somebody_else_stays_under_that_alone() {
    let host = Host::new("names").await;
    let prepared = host.shell().await;
    let Source::Image(image) = &prepared.source else { panic!("no image") };
    let pulled = image.reference.rsplit_once(':').unwrap().0;
    let theirs = TagImageOptionsBuilder::default().repo("localhost/theirs").tag("1").build();
    host.docker.tag_image(&format!("{pulled}@{}", prepared.digest), Some(theirs)).await.unwrap();
    host.runtime.forget(&prepared).await.unwrap();
    let left = host.docker.inspect_image("localhost/theirs:1").await.unwrap();
    assert_eq!(left.repo_tags.unwrap(), ["localhost/theirs:1"]);
    host.docker.remove_image("localhost/theirs:1", None::<RemoveImageOptions>, None).await.unwrap();
    host.close().await;
}

#[tokio::test]
async fn an_image_that_is_not_there_is_told_with_the_registrys_words() {
    let host = Host::new("missing").await;
    let digest = format!("agent@sha256:{}", "0".repeat(64));
    for name in ["nothing/here:1", &digest] {
        let reference = host.reference(name);
        let failure = host.prepare(&reference).await.0.unwrap_err();
        assert_failure(&failure, Code::ImagePullBackOff, &[&reference, "does not exist", "manifest unknown"]);
    }
    host.close().await;
}

#[tokio::test]
async fn a_registry_that_is_down_is_told() {
    let host = Host::new("down").await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = host.prepare(&format!("{free}/agent:1")).await.0.unwrap_err();
    assert_failure(&failure, Code::ImagePullBackOff, &["could not be fetched", "connection refused"]);
    host.close().await;
}

#[tokio::test]
async fn a_reference_that_is_none_is_told() {
    let host = Host::new("reference").await;
    let failure = host.prepare("Not An Image").await.0.unwrap_err();
    assert_failure(&failure, Code::InvalidContainerImage, &["Not An Image"]);
    host.close().await;
}

#[tokio::test]
async fn an_image_for_another_machine_is_refused_with_both_platforms() {
    let host = Host::new("platform").await;
    let reference = host.reference("agent:arm");
    let image = Image { foreign: true, ..SHELL };
    images::publish(&host.docker, &image, &reference).await;
    let failure = host.prepare(&reference).await.0.unwrap_err();
    assert_failure(&failure, Code::InvalidContainerImage, &[&reference, ARCHITECTURES.0, ARCHITECTURES.1]);
    host.close().await;
}

#[tokio::test]
async fn an_image_that_says_nothing_to_run_is_refused() {
    let host = Host::new("empty").await;
    let reference = host.reference("agent:empty");
    images::publish(&host.docker, &Image { instructions: &[], ..SHELL }, &reference).await;
    let failure = host.prepare(&reference).await.0.unwrap_err();
    assert_failure(&failure, Code::InvalidContainerImage, &["does not say what to run", "ENTRYPOINT"]);
    host.close().await;
}

#[tokio::test]
async fn layers_that_are_not_what_their_digest_says_are_refused() {
    let host = Host::new("damaged").await;
    let reference = host.reference("agent:damaged");
    images::publish(&host.docker, &SHELL, &reference).await;
    let size = |path: &std::path::PathBuf| std::fs::metadata(path).unwrap().len();
    let layer = host.registry.blobs().into_iter().max_by_key(size).unwrap();
    let mut bytes = std::fs::read(&layer).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&layer, bytes).unwrap();
    let failure = host.prepare(&reference).await.0.unwrap_err();
    assert_failure(&failure, Code::InvalidContainerImage, &["is damaged", "verification failed"]);
    host.close().await;
}

#[tokio::test]
async fn a_registry_is_told_the_given_password_or_the_one_of_docker_login() {
    let host = Host { registry: Registry::start_for_one_user(PASSWORD_HASH), ..Host::new("password").await };
    let reference = host.reference("agent:1");
    images::publish(&host.docker, &SHELL, &reference).await;
    let source = |password: Option<&str>| {
        let basic = |password: &str| RegistryCredentials::Basic {
            user: "agent".to_owned(),
            password: password.to_owned(),
        };
        Source::Image(ImageSource { reference: reference.clone(), credentials: password.map(basic) })
    };
    for wrong in [None, Some("secret-but-wrong")] {
        let failure = host.prepare_source(&source(wrong)).await.0.unwrap_err();
        assert_failure(&failure, Code::ImagePullBackOff, &[&reference, "Check name and credentials"]);
        assert!(!failure.message.contains("secret-but-wrong"), "{failure}");
    }
    host.prepare_source(&source(Some(PASSWORD))).await.0.unwrap();

    let login = format!(r#"{{"username": "agent", "password": "{PASSWORD}"}}"#);
    let config = format!(r#"{{"auths": {{"{}": {login}}}}}"#, host.registry.address());
    std::fs::write(host.folder.path().join("docker.json"), config).unwrap();
    host.prepare_source(&source(None)).await.0.unwrap();
    host.close().await;
}

#[tokio::test]
async fn code_needs_an_image_for_its_language() {
    let host = Host::new("language").await;
    let folder = tempfile::tempdir().unwrap();
    let program = Program {
        folder: folder.path().to_owned(),
        entry_point: vec!["sh".to_owned(), "main.sh".to_owned()],
        language: "shell_1".to_owned(),
    };
    let failure = host.prepare_source(&Source::Code(program.clone())).await.0.unwrap_err();
    assert_failure(&failure, Code::CodeError, &["shell_1", "hosting.docker.images.shell_1"]);
    for (broken, part) in [
        (Program { folder: folder.path().join("gone"), ..program.clone() }, "is not there"),
        (Program { entry_point: Vec::new(), ..program }, "no entry point"),
    ] {
        let failure = host.prepare_source(&Source::Code(broken)).await.0.unwrap_err();
        assert_failure(&failure, Code::CodeError, &[part]);
    }
    host.close().await;
}

#[tokio::test]
async fn a_check_says_what_was_found() {
    let host = Host::new("check").await;
    let found = DockerRuntime::check(host.settings.socket.as_deref()).await.unwrap();
    let text = found.to_string();
    assert!(text.starts_with("Docker ") && text.contains("API 1."), "{text}");
    assert!(text.ends_with(host.settings.socket.as_deref().unwrap()), "{text}");
    let nobody = DockerSettings { socket: Some("/nonexistent.sock".to_owned()), ..DockerSettings::default() };
    let failure = DockerRuntime::connect(nobody).await.unwrap_err();
    assert_failure(&failure, Code::SandboxUnavailable, &["/nonexistent.sock", "hosting.docker.socket"]);
    host.close().await;
}
