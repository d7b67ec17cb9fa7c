//! What a version runs: fetched and tried once when the version is made, and remembered.

use std::{sync::Arc, time::Duration};

use cupola_hosting::{Code, Failure, ImageSource, Order, Prepared, Progress, RegistryCredentials, Source};
use cupola_wire::agents::{AgentVersion, AgentVersionStatus, BuildProgress};
use tokio::sync::Notify;

use super::{
    definition::{HostedDefinition, HostedProgram},
    hosting::{Hosting, version_id},
    making, package, rooms,
    session::Session,
    sources::{self, Content},
    warm,
};
use crate::{
    ApiError, Service,
    agents::{self, ResolvedAgent},
    connections,
};

/// How long a program that was only tried may take to end by itself.
const TRIAL_GRACE: Duration = Duration::from_secs(1);

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
    let Some(hosting) = service.hosting() else { return };
    // Taken here and not in the task, so that a package that has just come is not gone before it is noted.
    let held = hosting.sources().try_hold();
    let (sources, service, project) = (hosting.sources().clone(), service.clone(), Arc::clone(project));
    let (name, number) = (version.name.clone(), version.version.clone());
    tokio::spawn(async move {
        let held = match held {
            Some(held) => held,
            None => sources.hold().await,
        };
        let made = make_and_settle(&service, &project, &name, &number).await;
        drop(held);
        if let Some(hosting) = service.hosting() {
            hosting.making().end(&version_id(&project, &name, &number));
        }
        match made {
            Ok(true) => warm_up(&service, &project, &name, &number).await,
            Ok(false) => {}
            Err(error) => {
                let why = &error.detail().message;
                tracing::error!(agent = name, version = number, why, "a version was not settled");
            }
        }
        sources::tidy(&service).await;
    });
}

/// Makes a version and says what became of it. False if it was deleted meanwhile.
async fn make_and_settle(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    number: &str,
) -> Result<bool, ApiError> {
    let made = make(service, project, name, number).await;
    if let Err(failure) = &made.outcome {
        tracing::warn!(agent = name, version = number, %failure, "a version could not be made");
    }
    let id = agents::version_key(project, name, number).id;
    let now = service.clock().seconds();
    let note = made.content.as_ref().map(|content| sources::note(project, &id, content, now));
    let is_settled = agents::settle(service, project, name, number, made.outcome, note).await?;
    if !is_settled && let Some(content) = &made.content {
        sources::offer(service, project, content).await?;
    }
    Ok(is_settled)
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

/// What became of a version that was to be made.
struct Made {
    outcome: Result<(), Failure>,
    /// What was fetched, also where it can't be run.
    content: Option<Content>,
}

impl Made {
    fn nothing(failure: Failure) -> Self {
        Self { outcome: Err(failure), content: None }
    }
}

/// Fetches what a version runs, and tries it.
async fn make(service: &Service, project: &Arc<str>, name: &str, number: &str) -> Made {
    let (hosting, agent, hosted) = match definition(service, project, name, number).await {
        Ok(found) => found,
        Err(error) => return Made::nothing(failure(error)),
    };
    match fetch(service, hosting, project, &agent, &hosted).await {
        Ok(prepared) => Made {
            content: Content::of(hosting, &hosted, Some(&prepared)),
            outcome: try_out(service, hosting, project, &agent, &hosted, prepared).await,
        },
        Err(failure) => Made { outcome: Err(failure), content: Content::of(hosting, &hosted, None) },
    }
}

async fn definition<'s>(
    service: &'s Service,
    project: &Arc<str>,
    name: &str,
    number: &str,
) -> Result<(&'s Hosting, ResolvedAgent, HostedDefinition), ApiError> {
    let hosting = rooms::hosting(service)?;
    let agent = agents::resolve(service, project, name, Some(number), 0).await?;
    let hosted = HostedDefinition::read(&agent.definition, hosting.settings())?;
    Ok((hosting, agent, hosted))
}

async fn fetch(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
) -> Result<Prepared, Failure> {
    let id = version_id(project, &agent.name, &agent.version);
    if let HostedProgram::Code { is_bundled, .. } = &hosted.program {
        let step = if *is_bundled { BuildProgress::Unpacking } else { BuildProgress::Installing };
        hosting.making().reach(&id, step);
    }
    let source = source(service, hosting, project, hosted, None).await?;
    let follow = |progress: Progress| hosting.making().reach(&id, making::step(&progress));
    let prepared = hosting.fleet().runtime().prepare(&source, &follow).await?;
    hosting.remember(&id, prepared.clone());
    Ok(prepared)
}

/// A program that does not come up now will not come up later either: better to say so now.
async fn try_out(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
    prepared: Prepared,
) -> Result<(), Failure> {
    let now = service.clock().seconds();
    let trial = Session::new("trial".to_owned(), &agent.name, &agent.version, "", now);
    hosting
        .reserve(&trial.guid)
        .await
        .map_err(|error| failure(ApiError::internal("making the folder of a session", error)))?;
    let order = rooms::order(service, hosting, project, agent, hosted, &trial, prepared).await;
    let tried = match order {
        Ok(order) => enter(hosting, project, agent, order).await,
        Err(error) => Err(failure(error)),
    };
    rooms::leave(service, project, &trial).await.map_err(failure)?;
    hosting.forget(&trial.guid).await;
    tried
}

/// Enters the sandbox of a trial, and tells how far that is.
async fn enter(hosting: &Hosting, project: &str, agent: &ResolvedAgent, order: Order) -> Result<(), Failure> {
    let id = version_id(project, &agent.name, &agent.version);
    let started = Arc::new(Notify::new());
    // Nobody waits for what it might still have to do at its end.
    let order = Order { grace: TRIAL_GRACE, started: Some(Arc::clone(&started)), ..order };
    let follow = async {
        started.notified().await;
        hosting.making().reach(&id, BuildProgress::Probing);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        entered = hosting.fleet().enter(order) => entered.map(drop),
        () = follow => Ok(()),
    }
}

/// What a version runs, present on this machine.
pub async fn prepared(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
) -> Result<Prepared, Failure> {
    let id = version_id(project, &agent.name, &agent.version);
    if let Some(prepared) = hosting.recall(&id) {
        return Ok(prepared);
    }
    // Exactly what was tried when the version was made, whatever its tag means today.
    let digest = sources::digest_of_image(service, project, agent).await.map_err(failure)?;
    let source = source(service, hosting, project, hosted, digest.as_deref()).await?;
    let prepared = hosting.fleet().runtime().prepare(&source, &unfollowed).await?;
    hosting.remember(&id, prepared.clone());
    Ok(prepared)
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
                Some(digest) => sources::pinned(reference, digest),
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

/// Nobody follows how far a preparation is.
pub fn unfollowed(progress: Progress) {
    tracing::trace!(?progress, "preparing");
}
