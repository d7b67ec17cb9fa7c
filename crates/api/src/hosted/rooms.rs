//! Sessions and their sandboxes: moving in, moving out.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use axum::http::StatusCode;
use cupola_hosting::{Code, LogStream, Order, Prepared, Probe, SandboxSpec, Visit};
use cupola_store::{Change, Conflict, StoreError};
use cupola_wire::agents::AgentVersionStatus;

use super::{
    build, containers,
    definition::HostedDefinition,
    environment::{self, PORT},
    hosting::Hosting,
    session::{self, Session, SessionEvent, SessionState},
    tenants::Tenant,
};
use crate::{ApiError, Sandbox, Service, agents::ResolvedAgent, storage};

/// How long a program that is stopped may take to end by itself.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// What hosted agents run on, or the error of a service without it.
pub fn hosting(service: &Service) -> Result<&Arc<Hosting>, ApiError> {
    service.hosting().ok_or_else(|| {
        ApiError::invalid(
            "Hosted agents are not enabled in this service: hosting.runtime is 'off', or nothing on this machine \
             can run them. 'cupola doctor' says which and why.",
        )
        .code(Code::CapabilityHostNotFound.as_str())
    })
}

/// The definition of an agent that is hosted and can be used.
pub fn require_hosted(service: &Service, agent: &ResolvedAgent) -> Result<HostedDefinition, ApiError> {
    if agent.kind != "hosted" {
        let message = format!(
            "The agent '{}' is of the kind '{}': only hosted agents have sessions.",
            agent.name, agent.kind
        );
        return Err(ApiError::invalid(message).code("agent_kind_not_available"));
    }
    let hosting = hosting(service)?;
    let about = |state: &str| format!("The version {} of the agent '{}' {state}", agent.version, agent.name);
    match agent.status {
        AgentVersionStatus::Active => HostedDefinition::read(&agent.definition, hosting.settings()),
        AgentVersionStatus::Creating => {
            Err(not_ready(about("is still being created. Try again once its status is 'active'.")))
        }
        AgentVersionStatus::Failed => {
            let reason = agent.extra.get("error").and_then(|error| error["message"].as_str());
            let reason = reason.unwrap_or("its error says why");
            Err(not_ready(about(&format!("failed and can't be used: {reason}"))))
        }
        AgentVersionStatus::Deleting | AgentVersionStatus::Deleted => {
            Err(not_ready(about("was deleted and can't be used.")))
        }
    }
}

/// Enters the sandbox of a session; it is started if it does not run.
pub async fn enter(
    service: &Service,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
    session: &Session,
) -> Result<Visit, ApiError> {
    let hosting = hosting(service)?;
    if !session.state.is_usable() {
        return Err(ApiError::missing("Session", &session.id));
    }
    if let Some(Ok(visit)) = hosting.fleet().find(&session.guid).await {
        return Ok(visit);
    }
    let entered = match build::prepared(service, hosting, project, agent, hosted).await {
        Ok(prepared) => {
            let order = order(service, hosting, project, agent, hosted, session, prepared).await?;
            hosting.fleet().enter(order).await
        }
        Err(failure) => Err(failure),
    };
    match entered {
        Ok(visit) => {
            // Also where it was active: its former sandbox may have ended a moment ago, and whoever noted that
            // may have taken this one for it.
            hosting.tenants().enter(&session.guid, tenant(project, session));
            let started = SessionEvent::Started;
            session::mark(service, project, &session.agent, &session.id, started).await?;
            Ok(visit)
        }
        Err(failure) => {
            hosting.tenants().leave(&session.guid);
            hosting.logs(&session.guid).add(LogStream::Platform, failure.to_string().as_bytes());
            hosting.keep_logs(&session.guid).await;
            let now = service.clock().seconds();
            session::change(service, project, &session.agent, &session.id, |session| {
                session.fail(&failure, now);
                true
            })
            .await?;
            Err(not_ready(format!("Session '{}' did not become ready: {}", session.id, failure.message)))
        }
    }
}

/// Stops the sandbox of a session, and ends what it has left open.
pub async fn leave(service: &Service, project: &Arc<str>, session: &Session) -> Result<(), ApiError> {
    stop(service, session).await;
    storage::abandon(service, project, (&session.agent, &session.id), "Its session was stopped.").await
}

/// Stops the sandbox of a session.
pub async fn stop(service: &Service, session: &Session) {
    let Some(hosting) = service.hosting() else { return };
    hosting.fleet().stop(&session.guid).await;
    hosting.keep_logs(&session.guid).await;
    hosting.tenants().leave(&session.guid);
}

/// Ends a session, with its sandbox and its files. Its record says that it was deleted.
pub async fn remove(service: &Service, project: &Arc<str>, session: &Session) -> Result<(), ApiError> {
    end(service, project, session, SessionEvent::Deleted).await
}

/// Ends a session that nobody has used for too long. Its record says so.
pub async fn expire(service: &Service, project: &Arc<str>, session: &Session) -> Result<(), ApiError> {
    end(service, project, session, SessionEvent::Expired).await
}

async fn end(
    service: &Service,
    project: &Arc<str>,
    session: &Session,
    how: SessionEvent,
) -> Result<(), ApiError> {
    leave(service, project, session).await?;
    session::mark(service, project, &session.agent, &session.id, how).await?;
    if let Some(hosting) = service.hosting() {
        hosting.forget(&session.guid).await;
    }
    Ok(())
}

/// Ends the sessions of an agent, or of one version of it, before it is deleted. Without `force`, sessions whose
/// sandboxes run are in the way.
pub async fn vacate(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    version: Option<&str>,
    force: bool,
) -> Result<(), ApiError> {
    containers::vacate(service, project, agent, version, force).await?;
    let mut sessions = session::all(service, project, agent).await?;
    sessions.retain(|session| version.is_none_or(|version| session.version == version));
    let runs = |session: &&Session| session.state == SessionState::Active;
    if !force && let Some(running) = sessions.iter().find(runs) {
        return Err(ApiError::conflict(format!(
            "The agent '{agent}' has active sessions, for example '{}'. Stop them, or delete it with 'force=true'.",
            running.id
        )));
    }
    if let Some(hosting) = service.hosting() {
        for session in hosting.warm().clear(project, agent, version) {
            leave(service, project, &session).await?;
            hosting.forget(&session.guid).await;
        }
    }
    for session in &sessions {
        leave(service, project, session).await?;
        if let Some(hosting) = service.hosting() {
            hosting.forget(&session.guid).await;
        }
        match service.store().commit(vec![Change::Delete { key: session.key(project) }]).await {
            Ok(()) | Err(StoreError::Conflict(Conflict::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What the sandbox of a session is to be.
pub async fn order(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
    session: &Session,
    prepared: Prepared,
) -> Result<Order, ApiError> {
    let home = hosting.home(&session.guid);
    let made = tokio::task::spawn_blocking({
        let home = home.clone();
        move || make_home(&home)
    });
    made.await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| ApiError::internal("making the home of a session", error))?;
    hosting.tenants().enter(&session.guid, tenant(project, session));
    let identity = service.managed_identity().lend(&subject(session), project);
    let header = identity.header();
    let environment =
        environment::of_session(service, hosting, project, agent, hosted, session, header).await?;
    let settings = hosting.settings();
    let spec = SandboxSpec {
        id: session.guid.clone(),
        environment,
        port: PORT,
        home,
        mounts: environment::mounts(hosting),
        limits: hosted.limits(settings),
        egress: settings.egress.clone(),
        service: hosting.service(),
        logs: hosting.logs(&session.guid),
    };
    let probe = Probe { path: "/readiness".to_owned(), port: PORT, within: settings.ready_within };
    let (idle_after, held) = (Some(hosted.idle_after), Some(Arc::new(identity) as _));
    Ok(Order { prepared, spec, probe, idle_after, grace: STOP_GRACE, started: None, held })
}

/// The program may run as any user, and its sandbox is all that can reach the folder.
pub fn make_home(home: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(home)?;
    std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o777))
}

fn tenant(project: &Arc<str>, session: &Session) -> Tenant {
    let Session { id, agent, version, .. } = session.clone();
    Tenant { project: Arc::clone(project), agent, version, session: id }
}

/// Who a sandbox is to this service.
fn subject(session: &Session) -> String {
    let (agent, version) = (session.agent.clone(), session.version.clone());
    Sandbox { agent, version, session: session.id.clone() }.subject()
}

/// The error of a sandbox that did not come up.
pub fn not_ready(message: String) -> ApiError {
    ApiError::upstream(StatusCode::FAILED_DEPENDENCY, message).code("session_not_ready")
}
