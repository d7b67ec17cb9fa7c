//! Keeps the records of sessions true to what becomes of their sandboxes.

use std::{sync::Arc, time::Duration};

use cupola_hosting::{Ended, Excess, LogStream, Why};

use super::{
    record::{self, Session},
    state::SessionEvent,
};
use crate::{ApiError, Service, agents, hosted::rooms, storage};

/// Notes what happened to a session, if that changes anything.
pub async fn mark(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    id: &str,
    event: SessionEvent,
) -> Result<Option<Session>, ApiError> {
    let now = service.clock().seconds();
    record::change(service, project, agent, id, |session| session.apply(event, now)).await
}

/// Follows the endings of sandboxes until the service stops.
pub async fn keep(service: Service) {
    let Some(hosting) = service.hosting().cloned() else { return };
    let Some(mut endings) = hosting.take_endings() else { return };
    while let Some(Ended { id, why }) = endings.recv().await {
        let Some(tenant) = hosting.tenants().leave(&id) else { continue };
        let logs = hosting.logs(&id);
        let told = match why {
            Why::Idle => "The container was stopped, because nobody used it.".to_owned(),
            Why::Exited(exit) => format!("The container {exit}."),
            Why::Exceeded(excess) => format!("The container was stopped, because {excess}."),
        };
        let then = match why {
            Why::Exceeded(Excess::Home { .. } | Excess::Depth) => {
                "It is not started before files are deleted."
            }
            _ => "The next use starts it again.",
        };
        logs.add(LogStream::Platform, format!("{told} {then}").as_bytes());
        let of_session = (tenant.agent.as_str(), tenant.session.as_str());
        if let Err(error) = storage::abandon(&service, &tenant.project, of_session, &told).await {
            tracing::error!(session = %tenant.session, error = ?error.detail(), "open responses were not ended");
        }
        if hosting.warm().lose(&id) {
            hosting.forget(&id).await;
            continue;
        }
        hosting.keep_logs(&id).await;
        if hosting.fleet().has(&id) {
            // Somebody was quick to come again, and lives there now.
            hosting.tenants().enter(&id, tenant);
            continue;
        }
        let stopped = SessionEvent::Stopped;
        if let Err(error) = mark(&service, &tenant.project, &tenant.agent, &tenant.session, stopped).await {
            tracing::error!(session = %tenant.session, error = ?error.detail(), "a session's end was not noted");
        }
    }
}

/// Notes that no sandbox of before this start runs any more.
pub async fn settle_all(service: &Service) -> Result<(), ApiError> {
    for project in service.projects() {
        for agent in agents::hosted_names(service, project).await? {
            for session in record::all(service, project, &agent).await? {
                mark(service, project, &agent, &session.id, SessionEvent::Stopped).await?;
                let why = "The service was started anew, and the container with it.";
                storage::abandon(service, project, (&agent, &session.id), why).await?;
            }
        }
    }
    Ok(())
}

/// How often it is looked for sessions that nobody has used for as long as sessions are kept.
const EXPIRY_PACE: Duration = Duration::from_secs(60 * 60);

/// Ends sessions that nobody has used for as long as sessions are kept, until the service stops.
pub async fn expire(service: Service) {
    loop {
        if let Err(error) = expire_once(&service).await {
            tracing::error!(error = ?error.detail(), "sessions that have expired were not ended");
        }
        tokio::time::sleep(EXPIRY_PACE).await;
    }
}

async fn expire_once(service: &Service) -> Result<(), ApiError> {
    for project in service.projects() {
        for agent in agents::hosted_names(service, project).await? {
            let now = service.clock().seconds();
            for session in record::all(service, project, &agent).await? {
                if session.has_expired(now) {
                    rooms::expire(service, project, &session).await?;
                }
            }
        }
    }
    Ok(())
}
