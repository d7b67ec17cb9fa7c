//! Images: which bytes a reference means, fetching them through the daemon, and whether they can run here.

use bollard::{
    auth::DockerCredentials,
    errors::Error,
    models::ImageInspect,
    query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions},
};
use futures_util::StreamExt as _;

use super::{daemon::Daemon, pulling::Layers, reference, words};
use crate::{Code, Failure, ImageSource, Progress, ProgressSink, RegistryCredentials};

/// Makes the image present and gives its digest.
pub(super) async fn prepare(
    daemon: &Daemon,
    source: &ImageSource,
    progress: &dyn ProgressSink,
) -> Result<String, Failure> {
    let credentials = credentials(source);
    progress.report(Progress::Resolving);
    let resolved = resolve(daemon, &source.reference, credentials.clone()).await?;
    let wanted = match &resolved {
        Some(digest) => reference::pinned(&source.reference, digest),
        None => tagged(&source.reference),
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
        None => own_digest(&source.reference, &image)?,
    };
    progress.report(Progress::Present { cached });
    Ok(digest)
}

/// Forgets the image, unless containers or other names still need it.
pub(super) async fn forget(daemon: &Daemon, name: &str) -> Result<(), Failure> {
    match daemon.client.remove_image(name, None::<RemoveImageOptions>, None).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(words::status(&error), Some(404 | 409)) => Ok(()),
        Err(error) => Err(words::of_daemon(&format!("remove the image {name}"), &error)),
    }
}

/// What the reference means right now. `None` where the daemon can't ask (Podman): then the pull tells.
async fn resolve(
    daemon: &Daemon,
    reference: &str,
    credentials: Option<DockerCredentials>,
) -> Result<Option<String>, Failure> {
    if let (_, Some(digest)) = reference::split(reference) {
        return Ok(Some(digest.to_owned()));
    }
    match daemon.client.inspect_registry_image(reference, credentials).await {
        Ok(found) => Ok(found.descriptor.digest),
        Err(error) if cannot_ask(&error) => Ok(None),
        Err(error) => Err(words::of_pull(reference, &error)),
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
        let event = event.map_err(|error| words::of_pull(name, &error))?;
        if let Some(so_far) = layers.hear(event) {
            progress.report(so_far);
        }
    }
    inspect(daemon, name).await?.ok_or_else(|| {
        let message = format!("The Docker daemon pulled {name} without an error and does not have it.");
        Failure::new(Code::ImagePullBackOff, message)
    })
}

/// A pull without a tag would fetch every tag.
fn tagged(reference: &str) -> String {
    match reference::split(reference) {
        (name, None) if name.len() == reference.len() => format!("{reference}:latest"),
        _ => reference.to_owned(),
    }
}

fn own_digest(reference: &str, image: &ImageInspect) -> Result<String, Failure> {
    let name = reference::split(reference).0;
    let digests = image.repo_digests.iter().flatten().filter_map(|pinned| pinned.split_once('@'));
    let mut own = digests.filter(|(repository, _)| *repository == name || repository.ends_with(name));
    own.next().map(|(_, digest)| digest.to_owned()).ok_or_else(|| {
        let message = format!("The Docker daemon does not say which digest {reference} has.");
        Failure::new(Code::ImagePullBackOff, message)
    })
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

/// What the registry is to be told.
fn credentials(source: &ImageSource) -> Option<DockerCredentials> {
    let serveraddress = Some(reference::registry(&source.reference).to_owned());
    Some(match source.credentials.clone()? {
        RegistryCredentials::Basic { user, password } => DockerCredentials {
            username: Some(user),
            password: Some(password),
            serveraddress,
            ..DockerCredentials::default()
        },
        RegistryCredentials::Bearer(token) => {
            DockerCredentials { registrytoken: Some(token), serveraddress, ..DockerCredentials::default() }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_means_its_latest_tag() {
        for (reference, expected) in [
            ("localhost:5000/agent", "localhost:5000/agent:latest"),
            ("agent:1", "agent:1"),
            ("agent@sha256:ab", "agent@sha256:ab"),
        ] {
            assert_eq!(tagged(reference), expected);
        }
    }

    #[test]
    fn the_digest_of_a_pulled_image_is_that_of_its_own_repository() {
        let image = ImageInspect {
            repo_digests: Some(vec![
                "other@sha256:1".to_owned(),
                "docker.io/library/box@sha256:2".to_owned(),
            ]),
            ..ImageInspect::default()
        };
        assert_eq!(own_digest("library/box:1", &image), Ok("sha256:2".to_owned()));
        assert!(own_digest("third:1", &image).is_err());
    }
}
