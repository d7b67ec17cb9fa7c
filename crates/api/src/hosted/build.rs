//! What a version runs: fetched and tried once when the version is made, and remembered.

use std::{sync::Arc, time::Duration};

use cupola_hosting::{Code, Failure, ImageSource, Order, Prepared, Progress, RegistryCredentials, Source};
use cupola_store::{Change, Key, Kind};
use cupola_wire::agents::{AgentVersion, AgentVersionStatus};
use serde::{Deserialize, Serialize};

use super::{
    definition::{HostedDefinition, HostedProgram},
    hosting::Hosting,
    package, rooms,
    session::Session,
    warm,
};
use crate::{
    ApiError, Service,
    agents::{self, ResolvedAgent},
    body::document,
    connections,
};

/// How long a program that was only tried may take to end by itself.
const TRIAL_GRACE: Duration = Duration::from_secs(1);

/// What is remembered of a version that was made; its id and its parent are those of the version.
pub const BUILD: Kind = Kind::named("hosted_build");

/// What is remembered.
#[derive(Debug, Serialize, Deserialize)]
struct Build {
    /// The digest of what runs.
    digest: String,
}

/// Goes on with all versions whose making was interrupted.
pub async fn resume(service: &Service) -> Result<(), ApiError> {
    for project in service.projects() {
        for version in agents::hosted_versions(service, project).await? {
            match version.status {
                AgentVersionStatus::Creating => begin(service, project, &version),
                AgentVersionStatus::Active => {
                    warm_up(service, project, &version.name, &version.version).await
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Begins to make a version. Its record says when it is done.
pub fn begin(service: &Service, project: &Arc<str>, version: &AgentVersion) {
    let (service, project) = (service.clone(), Arc::clone(project));
    let (name, number) = (version.name.clone(), version.version.clone());
    tokio::spawn(async move {
        let outcome = make(&service, &project, &name, &number).await;
        if let Err(failure) = &outcome {
            tracing::warn!(agent = name, version = number, %failure, "a version could not be made");
        }
        let remembered = outcome.map(|digest| {
            let version = agents::version_key(&project, &name, &number);
            Change::Insert {
                key: Key::new(&project, BUILD, version.id.clone()),
                parent: version.id,
                facet: String::new(),
                created_at: service.clock().seconds(),
                doc: document(&Build { digest }),
            }
        });
        match agents::settle(&service, &project, &name, &number, remembered).await {
            Ok(_) => warm_up(&service, &project, &name, &number).await,
            Err(error) => {
                let why = &error.detail().message;
                tracing::error!(agent = name, version = number, why, "a version was not settled");
            }
        }
    });
}

/// Starts the sandboxes that are to wait for a version, if that is the one that new sessions get.
async fn warm_up(service: &Service, project: &Arc<str>, name: &str, number: &str) {
    if service.hosting().is_none_or(|hosting| hosting.settings().warm_per_version == 0) {
        return;
    }
    if let Ok(agent) = agents::resolve_by_traffic(service, project, name, None).await
        && agent.version == number
        && let Ok(hosted) = rooms::require_hosted(service, &agent)
    {
        warm::fill(service, project, &agent, &hosted);
    }
}

/// Fetches what a version runs and tries it; gives its digest.
async fn make(service: &Service, project: &Arc<str>, name: &str, number: &str) -> Result<String, Failure> {
    let hosting = rooms::hosting(service).map_err(failure)?;
    let agent = agents::resolve(service, project, name, Some(number), 0).await.map_err(failure)?;
    let hosted = HostedDefinition::read(&agent.definition, hosting.settings()).map_err(failure)?;
    let source = source(service, hosting, project, &hosted, None).await?;
    let prepared = hosting.fleet().runtime().prepare(&source, &unfollowed).await?;
    hosting.remember(&build_id(project, &agent), prepared.clone());
    // A program that does not come up now will not come up later either: better to say so now.
    let trial = Session::new("trial".to_owned(), name, number, "", service.clock().seconds());
    let order = rooms::order(service, hosting, project, &agent, &hosted, &trial, prepared.clone()).await;
    let tried = match order {
        // Nobody waits for what it might still have to do.
        Ok(order) => hosting.fleet().enter(Order { grace: TRIAL_GRACE, ..order }).await.map(drop),
        Err(error) => Err(failure(error)),
    };
    rooms::leave(service, project, &trial).await.map_err(failure)?;
    hosting.forget(&trial.guid).await;
    tried.map(|()| prepared.digest)
}

/// What a version runs, present on this machine.
pub async fn prepared(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
) -> Result<Prepared, Failure> {
    let id = build_id(project, agent);
    if let Some(prepared) = hosting.recall(&id) {
        return Ok(prepared);
    }
    // Exactly what was tried when the version was made, whatever its tag means today.
    let key = Key::new(project, BUILD, format!("{}:{}", agent.name, agent.version));
    let stored = service.store().get(&key).await.map_err(|error| failure(error.into()))?;
    let build: Option<Build> = stored.and_then(|stored| serde_json::from_slice(&stored.doc).ok());
    let digest = build.as_ref().map(|build| build.digest.as_str());
    let source = source(service, hosting, project, hosted, digest).await?;
    let prepared = hosting.fleet().runtime().prepare(&source, &unfollowed).await?;
    hosting.remember(&id, prepared.clone());
    Ok(prepared)
}

fn build_id(project: &str, agent: &ResolvedAgent) -> String {
    format!("{project}/{}:{}", agent.name, agent.version)
}

async fn source(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    hosted: &HostedDefinition,
    digest: Option<&str>,
) -> Result<Source, Failure> {
    match &hosted.program {
        HostedProgram::Image { reference, connection } => {
            let reference = match digest {
                Some(digest) => pinned(reference, digest),
                None => reference.clone(),
            };
            let credentials = match connection {
                Some(connection) => Some(credentials(service, project, connection).await?),
                None => None,
            };
            Ok(Source::Image(ImageSource { reference, credentials }))
        }
        HostedProgram::Code { runtime, entry_point, is_bundled, content_hash } => {
            let started = (runtime.as_str(), entry_point.as_slice());
            let program = package::program(hosting, content_hash.as_deref(), started, *is_bundled).await?;
            Ok(Source::Code(program))
        }
    }
}

/// The reference with the digest in place of its tag.
fn pinned(reference: &str, digest: &str) -> String {
    if reference.contains('@') {
        return reference.to_owned();
    }
    let name_begins = reference.rfind('/').map_or(0, |slash| slash + 1);
    let tag = reference[name_begins..].find(':').map(|colon| name_begins + colon);
    format!("{}@{digest}", &reference[..tag.unwrap_or(reference.len())])
}

/// What a connection says to a registry.
async fn credentials(
    service: &Service,
    project: &Arc<str>,
    connection: &str,
) -> Result<RegistryCredentials, Failure> {
    let found = connections::reveal(service, project, connection).await.map_err(failure)?;
    let found = found.ok_or_else(|| {
        let message = format!(
            "The connection '{connection}' (container_configuration.registry_connection_id) does not exist."
        );
        Failure::new(Code::ImagePullBackOff, message)
    })?;
    let secret = |names: &[&str]| {
        names.iter().find_map(|name| found.secrets.get(*name)).map(|secret| secret.expose().to_owned())
    };
    let user = secret(&["username", "user", "clientId"]);
    match (user, secret(&["password", "token", "key", "pat", "clientSecret"])) {
        (Some(user), Some(password)) => Ok(RegistryCredentials::Basic { user, password }),
        (None, Some(token)) => Ok(RegistryCredentials::Bearer(token)),
        (_, None) => Err(Failure::new(
            Code::ImagePullBackOff,
            format!(
                "The connection '{connection}' holds nothing that a registry could be told: expected the \
                 credentials 'username' and 'password', or 'token'."
            ),
        )),
    }
}

fn failure(error: ApiError) -> Failure {
    Failure::new(Code::SandboxUnavailable, error.detail().message.clone())
}

/// Nobody follows yet how far a preparation is.
pub fn unfollowed(progress: Progress) {
    tracing::trace!(?progress, "preparing");
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
