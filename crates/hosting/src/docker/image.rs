//! Images: which bytes a reference means, fetching them through the daemon, and whether they can run here.

use bollard::{
    auth::DockerCredentials,
    errors::Error,
    models::ImageInspect,
    query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions},
};
use futures_util::StreamExt as _;

use super::{daemon::Daemon, pulling::Layers, words};
use crate::{
    Code, Failure, ImageSource, Progress, ProgressSink,
    image::{Credentials, DockerConfig, Reference},
};

/// Makes the image present and gives its digest.
pub(super) async fn prepare(
    daemon: &Daemon,
    source: &ImageSource,
    config: Option<&DockerConfig>,
    progress: &dyn ProgressSink,
) -> Result<String, Failure> {
    let reference = Reference::parse(&source.reference)?;
    let credentials = in_docker_words(Credentials::of(source, &reference, config).await?, &reference);
    progress.report(Progress::Resolving);
    let resolved = resolve(daemon, &reference, credentials.clone()).await?;
    let wanted = match &resolved {
        Some(digest) => pinned(&reference, digest),
        None => reference.to_string(),
    };
    let present = match resolved {
        Some(_) => inspect(daemon, &wanted).await?,
        None => None,
    };
    let cached = present.is_some();
    let image = match present {
        Some(image) => image,
        None => pull(daemon, &wanted, credentials, progress).await?,
    };
    check(daemon, &source.reference, &image)?;
    let digest = match resolved {
        Some(digest) => digest,
        None => own_digest(&reference, &image)?,
    };
    progress.report(Progress::Present { cached });
    Ok(digest)
}

/// The name that means these bytes and no others.
pub(super) fn pinned(reference: &Reference, digest: &str) -> String {
    format!("{}/{}@{digest}", reference.registry(), reference.repository())
}

/// Forgets the image under this name. Where it has others, it stays under those; where containers are made of
/// it, the daemon refuses.
pub(super) async fn forget(daemon: &Daemon, name: &str) -> Result<(), Failure> {
    match remove(daemon, name).await {
        Err(error) if words::said(&error).ends_with("tag not known") => forget_tags(daemon, name).await,
        answer => answer.map_err(|error| words::of_daemon(&format!("remove the image {name}"), &error)),
    }
}

/// Forgets an image that has other names as Podman has it: under the tag by which it was pulled, and not under
/// its digest.
async fn forget_tags(daemon: &Daemon, name: &str) -> Result<(), Failure> {
    let Some(image) = inspect(daemon, name).await? else { return Ok(()) };
    let own = Reference::parse(name)?;
    for tag in image.repo_tags.iter().flatten() {
        if Reference::parse(tag).is_ok_and(|tag| is_same_repository(&tag, &own)) {
            let removed = remove(daemon, tag).await;
            removed.map_err(|error| words::of_daemon(&format!("remove the image {tag}"), &error))?;
        }
    }
    Ok(())
}

/// Removes a name, which may be gone already.
async fn remove(daemon: &Daemon, name: &str) -> Result<(), Error> {
    match daemon.client.remove_image(name, None::<RemoveImageOptions>, None).await {
        Err(error) if words::status(&error) == Some(404) => Ok(()),
        answer => answer.map(drop),
    }
}

/// What the reference means right now. `None` where the daemon can't ask (Podman): then the pull tells.
async fn resolve(
    daemon: &Daemon,
    reference: &Reference,
    credentials: Option<DockerCredentials>,
) -> Result<Option<String>, Failure> {
    if let Some(digest) = reference.digest() {
        return Ok(Some(digest.to_owned()));
    }
    let name = reference.to_string();
    match daemon.client.inspect_registry_image(&name, credentials).await {
        Ok(found) => Ok(found.descriptor.digest),
        Err(error) if cannot_ask(&error) => Ok(None),
        Err(error) => Err(words::of_pull(&name, &error)),
    }
}

/// Whether the daemon does not know the question at all.
fn cannot_ask(error: &Error) -> bool {
    let said = words::said(error).to_ascii_lowercase();
    matches!(words::status(error), Some(404 | 405 | 501))
        && (said == "not found" || said.contains("page not found") || said.contains("not supported"))
}

async fn inspect(daemon: &Daemon, name: &str) -> Result<Option<ImageInspect>, Failure> {
    match daemon.client.inspect_image(name).await {
        Ok(image) => Ok(Some(image)),
        Err(error) if words::status(&error) == Some(404) => Ok(None),
        Err(error) => Err(words::of_pull(name, &error)),
    }
}

async fn pull(
    daemon: &Daemon,
    name: &str,
    credentials: Option<DockerCredentials>,
    progress: &dyn ProgressSink,
) -> Result<ImageInspect, Failure> {
    let options = CreateImageOptionsBuilder::default().from_image(name).build();
    let mut events = daemon.client.create_image(Some(options), None, credentials);
    let mut layers = Layers::default();
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            // The daemon closes its last line late at times. Whether the image came is asked below.
            Err(error) if words::is_cut_off(&error) => break,
            Err(error) => return Err(words::of_pull(name, &error)),
        };
        if let Some(so_far) = layers.hear(event) {
            progress.report(so_far);
        }
    }
    inspect(daemon, name).await?.ok_or_else(|| {
        let message = format!("The Docker daemon pulled {name} without an error and does not have it.");
        Failure::new(Code::ImagePullBackOff, message)
    })
}

/// The digest under which the image is known in the repository from which it was pulled.
fn own_digest(reference: &Reference, image: &ImageInspect) -> Result<String, Failure> {
    let known = image.repo_digests.iter().flatten().filter_map(|name| Reference::parse(name).ok());
    let mut own = known.filter(|known| is_same_repository(known, reference));
    own.find_map(|known| known.digest().map(ToOwned::to_owned)).ok_or_else(|| {
        let message = format!("The Docker daemon does not say which digest {reference} has.");
        Failure::new(Code::ImagePullBackOff, message)
    })
}

fn is_same_repository(one: &Reference, other: &Reference) -> bool {
    (one.registry(), one.repository()) == (other.registry(), other.repository())
}

fn check(daemon: &Daemon, reference: &str, image: &ImageInspect) -> Result<(), Failure> {
    let (os, architecture) = daemon.platform();
    let its_os = image.os.as_deref().filter(|os| !os.is_empty()).unwrap_or(os);
    let its_architecture = image.architecture.as_deref().filter(|it| !it.is_empty()).unwrap_or(architecture);
    if (its_os, its_architecture) != (os, architecture) {
        return Err(Failure::new(
            Code::InvalidContainerImage,
            format!(
                "The image {reference} is for {its_os}/{its_architecture}, and this machine runs \
                 {os}/{architecture}. Build it with --platform {os}/{architecture}."
            ),
        ));
    }
    let config = image.config.as_ref();
    let says_what_to_run = config.is_some_and(|config| {
        [&config.entrypoint, &config.cmd].iter().any(|words| words.iter().flatten().next().is_some())
    });
    if !says_what_to_run {
        return Err(Failure::new(
            Code::InvalidContainerImage,
            format!("The image {reference} does not say what to run. Give it an ENTRYPOINT or a CMD."),
        ));
    }
    Ok(())
}

/// What the registry is to be told, as the daemon takes it.
fn in_docker_words(credentials: Credentials, reference: &Reference) -> Option<DockerCredentials> {
    let nobody = DockerCredentials {
        serveraddress: Some(reference.registry().to_owned()),
        ..DockerCredentials::default()
    };
    Some(match credentials {
        Credentials::Anonymous => return None,
        Credentials::Basic { user, password } => {
            DockerCredentials { username: Some(user), password: Some(password), ..nobody }
        }
        Credentials::Bearer(token) => DockerCredentials { registrytoken: Some(token), ..nobody },
        Credentials::Identity(token) => DockerCredentials { identitytoken: Some(token), ..nobody },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_digest_of_a_pulled_image_is_that_of_its_own_repository() {
        let [one, two] = ["1", "2"].map(|digit| format!("sha256:{}", digit.repeat(64)));
        let image = ImageInspect {
            repo_digests: Some(vec![format!("other@{one}"), format!("docker.io/library/box@{two}")]),
            ..ImageInspect::default()
        };
        assert_eq!(own_digest(&Reference::parse("box:1").unwrap(), &image), Ok(two));
        assert!(own_digest(&Reference::parse("third:1").unwrap(), &image).is_err());
    }
}
