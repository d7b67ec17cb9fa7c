//! Images made from busybox, in a registry.

use std::process::Command;

use bollard::{
    Docker,
    auth::DockerCredentials,
    query_parameters::{CreateImageOptions, ImportImageOptions, PushImageOptionsBuilder, RemoveImageOptions},
};
use futures_util::TryStreamExt as _;

use super::registry::PUBLISHER;

/// What an image says of itself.
pub struct Image<'a> {
    /// Whether it says that it is for other processors than this machine's.
    pub foreign: bool,
    /// As in a Dockerfile.
    pub instructions: &'a [&'a str],
}

/// An image that runs the script in the variable `SCRIPT`.
pub const SHELL: Image<'static> =
    Image { foreign: false, instructions: &[r#"CMD ["/bin/sh", "-c", "eval \"$SCRIPT\""]"#] };

/// Puts the image into the registry under this reference, and leaves the daemon without it.
pub async fn publish(docker: &Docker, image: &Image<'_>, reference: &str) {
    let (name, tag) = reference.rsplit_once(':').unwrap();
    let import = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(name.to_owned()),
        tag: Some(tag.to_owned()),
        changes: image.instructions.iter().map(|line| (*line).to_owned()).collect(),
        ..CreateImageOptions::default()
    };
    let body = bollard::body_full(busybox().into());
    docker.create_image(Some(import), Some(body), None).try_collect::<Vec<_>>().await.unwrap();
    if image.foreign {
        change_architecture(docker, reference).await;
    }
    let push = PushImageOptionsBuilder::default().tag(tag).build();
    let credentials = DockerCredentials {
        username: Some(PUBLISHER.0.to_owned()),
        password: Some(PUBLISHER.1.to_owned()),
        ..DockerCredentials::default()
    };
    docker.push_image(name, Some(push), Some(credentials)).try_collect::<Vec<_>>().await.unwrap();
    docker.remove_image(reference, None::<RemoveImageOptions>, None).await.unwrap();
}

/// The architecture of this machine, and another one with as many letters.
pub const ARCHITECTURES: (&str, &str) =
    if cfg!(target_arch = "aarch64") { ("arm64", "amd64") } else { ("amd64", "arm64") };

/// Takes the image out of the daemon, changes a word in its description, and puts it back.
async fn change_architecture(docker: &Docker, reference: &str) {
    let saved = docker.export_image(reference).try_collect::<Vec<_>>().await.unwrap();
    let mut bytes = saved.concat();
    let [is, shall] = [ARCHITECTURES.0, ARCHITECTURES.1].map(|name| format!("\"architecture\":\"{name}\""));
    let places: Vec<_> = places(&bytes, is.as_bytes()).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + shall.len()].copy_from_slice(shall.as_bytes());
    }
    let body = bollard::body_full(bytes.into());
    let load = docker.import_image(ImportImageOptions::default(), body, None);
    load.try_collect::<Vec<_>>().await.unwrap();
}

fn places<'a>(bytes: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(part.len()).enumerate().filter(move |(_, window)| *window == part).map(|(place, _)| place)
}

/// A root file system with busybox in it. Every one is different, so that layers are really fetched.
fn busybox() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["bin", "etc", "www"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    let found = std::fs::copy("/bin/busybox", root.join("bin/busybox"));
    found.expect("busybox is not installed; install the package busybox-static");
    let install =
        Command::new(root.join("bin/busybox")).args(["--install", "-s"]).arg(root.join("bin")).status();
    assert!(install.unwrap().success());
    for link in std::fs::read_dir(root.join("bin")).unwrap().map(|entry| entry.unwrap().path()) {
        if link.is_symlink() {
            std::fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink("busybox", &link).unwrap();
        }
    }
    std::fs::write(root.join("etc/mark"), root.display().to_string()).unwrap();
    let tar = Command::new("tar").arg("-C").arg(root).args(["-c", "."]).output().unwrap();
    assert!(tar.status.success());
    tar.stdout
}
