//! Keeps the records of sessions true to what becomes of their sandboxes.

use std::sync::Arc;

use cupola_hosting::{Ended, LogStream, Why};

use super::{
    record::{self, Session},
    state::SessionEvent,
};
use crate::{ApiError, Service, agents, storage};

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
        match why {
            Why::Idle => {
                logs.add(LogStream::Platform, b"Stopped: nobody used it. The next use starts it again.")
            }
            Why::Exited(exit) => {
                let line = format!("The container {exit}. The next use starts it again.");
                logs.add(LogStream::Platform, line.as_bytes());
            }
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
