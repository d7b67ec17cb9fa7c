//! What versions run, as it lies on this machine: images and code packages. Each is kept for as long as a
//! version needs it, and removed after that.

use std::sync::Arc;

use cupola_hosting::{Code, Failure, ImageSource, Prepared, Source};
use cupola_store::{Change, Key, Kind, Listing, Resource, StoreError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::{
    definition::{HostedDefinition, HostedProgram},
    files,
    hosting::Hosting,
    package::Package,
};
use crate::{ApiError, Service, agents::ResolvedAgent, body::document};

/// What a version runs; its id is that of the version, its parent says what is shared with other versions.
const BUILD: Kind = Kind::named("hosted_build");

/// What a version has run that was deleted, until it is removed from this machine.
const LEFTOVER: Kind = Kind::named("hosted_leftover");

/// Something on this machine that versions run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// An image that a runtime has.
    Image {
        /// The runtime.
        runtime: String,
        /// The reference, with the digest.
        reference: String,
        /// Which bytes it is.
        digest: String,
    },
    /// A code package, unpacked and with what it needs.
    Package {
        /// Which bytes it is.
        digest: String,
    },
}

impl Content {
    /// What a version runs, if that is known yet. Of an image only its preparation tells which bytes it is.
    pub fn of(hosting: &Hosting, hosted: &HostedDefinition, prepared: Option<&Prepared>) -> Option<Self> {
        match &hosted.program {
            HostedProgram::Code { content_hash, .. } => {
                content_hash.clone().map(|digest| Self::Package { digest })
            }
            HostedProgram::Image { reference, .. } => prepared.map(|prepared| Self::Image {
                runtime: hosting.fleet().runtime().name().to_owned(),
                reference: pinned(reference, &prepared.digest),
                digest: prepared.digest.clone(),
            }),
        }
    }

    /// Versions with the same may share files on this machine.
    fn shared(&self) -> String {
        match self {
            Self::Image { digest, .. } => format!("images/{digest}"),
            Self::Package { digest } => format!("packages/{digest}"),
        }
    }

    fn leftover(&self, project: &Arc<str>) -> Key {
        let id = match self {
            Self::Image { runtime, reference, .. } => format!("{runtime}/{reference}"),
            Self::Package { .. } => self.shared(),
        };
        Key::new(project, LEFTOVER, id)
    }

    /// Whether a sandbox that was made of this shows it.
    fn is_in(&self, hosting: &Hosting, prepared: &Prepared) -> bool {
        match (self, &prepared.source) {
            (Self::Image { digest, .. }, Source::Image(_)) => *digest == prepared.digest,
            (Self::Package { digest }, Source::Code(program)) => {
                program.folder.starts_with(Package::of(&hosting.packages(), digest).folder())
            }
            _ => false,
        }
    }
}

/// While this is there, nothing is removed.
pub type Held = OwnedRwLockReadGuard<()>;

/// Who fetches something, or is about to, and who removes.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<RwLock<()>>);

impl Sources {
    /// Holds off whoever removes.
    pub async fn hold(&self) -> Held {
        Arc::clone(&self.0).read_owned().await
    }

    /// The same at once, where nobody removes anything now.
    pub fn try_hold(&self) -> Option<Held> {
        Arc::clone(&self.0).try_read_owned().ok()
    }
}

/// The change that notes what a version runs.
pub fn note(project: &Arc<str>, version: &str, content: &Content, created_at: i64) -> Change {
    Change::Insert {
        key: Key::new(project, BUILD, version),
        parent: content.shared(),
        facet: String::new(),
        created_at,
        doc: document(content),
        aside: None,
    }
}

/// The digest of the image that was tried when a version was made.
pub async fn digest_of_image(
    service: &Service,
    project: &Arc<str>,
    agent: &ResolvedAgent,
) -> Result<Option<String>, ApiError> {
    let key = Key::new(project, BUILD, format!("{}:{}", agent.name, agent.version));
    let Some(stored) = service.store().get(&key).await? else { return Ok(None) };
    match read(&stored)? {
        Content::Image { digest, .. } => Ok(Some(digest)),
        Content::Package { .. } => Ok(None),
    }
}

/// The changes by which versions that are deleted give up what they run.
pub async fn give_up(
    service: &Service,
    project: &Arc<str>,
    versions: &[String],
) -> Result<Vec<Change>, ApiError> {
    let mut changes = Vec::new();
    for version in versions {
        let key = Key::new(project, BUILD, version.as_str());
        let Some(stored) = service.store().get(&key).await? else { continue };
        changes.push(Change::Delete { key });
        let left = leave_over(service, project, &read(&stored)?).await?;
        // Two of them may have run the same.
        changes.extend(left.filter(|left| !changes.contains(left)));
    }
    Ok(changes)
}

/// The change that notes that something may be removed, unless that is noted already.
async fn leave_over(
    service: &Service,
    project: &Arc<str>,
    content: &Content,
) -> Result<Option<Change>, ApiError> {
    let key = content.leftover(project);
    if service.store().get(&key).await?.is_some() {
        return Ok(None);
    }
    let (parent, facet) = (String::new(), String::new());
    let created_at = service.clock().seconds();
    Ok(Some(Change::Insert { key, parent, facet, created_at, doc: document(content), aside: None }))
}

/// Notes that something came that may be removed once no version needs it.
pub async fn offer(service: &Service, project: &Arc<str>, content: &Content) -> Result<(), ApiError> {
    let left = leave_over(service, project, content).await?;
    match service.store().commit(left.into_iter().collect()).await {
        // Two have sent the same at the same moment.
        Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes what no version runs any more. Where somebody fetches something right now, they come here at their
/// end. What can't be removed is tried again the next time, at the latest at the next start.
pub async fn tidy(service: &Service) {
    let Some(hosting) = service.hosting() else { return };
    let Ok(_nobody_fetches) = hosting.sources().0.try_write() else { return };
    for project in service.projects() {
        if let Err(error) = tidy_project(service, hosting, project).await {
            let why = &error.detail().message;
            tracing::error!(why, "what deleted versions have run was not looked for");
        }
    }
}

async fn tidy_project(service: &Service, hosting: &Hosting, project: &Arc<str>) -> Result<(), ApiError> {
    for stored in service.store().list(Listing::all(project, LEFTOVER, "")).await?.items {
        let content: Content = read(&stored)?;
        if is_needed(service, hosting, &content).await? {
            continue;
        }
        match remove(hosting, &content).await {
            Ok(true) => {
                hosting.forget_prepared(|prepared| content.is_in(hosting, prepared));
                let key = Key::new(project, LEFTOVER, stored.id);
                service.store().commit(vec![Change::Delete { key }]).await?;
            }
            Ok(false) => {}
            Err(failure) => tracing::warn!(
                what = stored.id, %failure,
                "what no version runs any more could not be removed; it is tried again at the next start"
            ),
        }
    }
    Ok(())
}

/// Whether a version of any project runs this, or a sandbox that still lives.
async fn is_needed(service: &Service, hosting: &Hosting, content: &Content) -> Result<bool, ApiError> {
    let shared = content.shared();
    for project in service.projects() {
        let users = Listing { limit: 1, ..Listing::all(project, BUILD, &shared) };
        if !service.store().list(users).await?.items.is_empty() {
            return Ok(true);
        }
    }
    Ok(hosting.is_inhabited(|prepared| content.is_in(hosting, prepared)))
}

/// False where another runtime has it than the one that is used now.
async fn remove(hosting: &Hosting, content: &Content) -> Result<bool, Failure> {
    match content {
        Content::Image { runtime, reference, digest } => {
            let image = ImageSource { reference: reference.clone(), credentials: None };
            let prepared = Prepared { source: Source::Image(image), digest: digest.clone() };
            let current = hosting.fleet().runtime();
            current.forget(&prepared).await?;
            // Which runtime it is may be known only now.
            return Ok(current.name() == runtime);
        }
        Content::Package { digest } => {
            let package = Package::of(&hosting.packages(), digest);
            let removed = tokio::task::spawn_blocking(move || files::remove_folder(package.folder())).await;
            removed.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| {
                let message = format!("The code package {digest} could not be deleted: {error}.");
                Failure::new(Code::SandboxUnavailable, message)
            })?;
        }
    }
    Ok(true)
}

/// The reference with the digest in place of its tag.
pub fn pinned(reference: &str, digest: &str) -> String {
    if reference.contains('@') {
        return reference.to_owned();
    }
    let name_begins = reference.rfind('/').map_or(0, |slash| slash + 1);
    let tag = reference[name_begins..].find(':').map(|colon| name_begins + colon);
    format!("{}@{digest}", &reference[..tag.unwrap_or(reference.len())])
}

fn read<T: DeserializeOwned>(stored: &Resource) -> Result<T, ApiError> {
    serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading what {} runs", stored.id), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_takes_the_place_of_a_tag() {
        for (reference, expected) in [
            ("r:5000/team/a:1", "r:5000/team/a@sha256:d"),
            ("r:5000/team/a", "r:5000/team/a@sha256:d"),
            ("a:latest", "a@sha256:d"),
            ("a@sha256:e", "a@sha256:e"),
        ] {
            assert_eq!(pinned(reference, "sha256:d"), expected);
        }
    }
}
