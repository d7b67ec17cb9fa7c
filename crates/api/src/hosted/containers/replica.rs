//! One of the sandboxes of a container, and which of them a request goes to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cupola_hosting::Visit;
use sha2::{Digest as _, Sha256};

use super::{
    choice::choose,
    container::{self, Container},
    operation::OperationError,
};
use crate::{
    ApiError, Service,
    agents::{self, ResolvedAgent},
    hosted::{
        build,
        definition::HostedDefinition,
        rooms,
        session::{Session, SessionState},
    },
};

/// Spreads requests over replicas that are alike.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// One of the sandboxes of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The name that clients know.
    pub name: String,
    /// The name of its folder and its sandbox. The same replica has it again after a restart.
    pub guid: String,
    index: u32,
}

impl Replica {
    /// The replica of a version with this number.
    pub fn of(project: &str, agent: &str, version: &str, index: u32) -> Self {
        let name = format!("{agent}--{version}-{index}");
        let digest = Sha256::digest(format!("replica/{project}/{agent}/{version}/{index}"));
        Self { name, guid: hex::encode(&digest[..16]), index }
    }

    /// Its sandbox as that of a session which everybody shares and no record knows.
    pub fn session(&self, container: &Container) -> Session {
        let (agent, version) = (&container.agent, &container.version);
        let mut session = Session::new(self.name.clone(), agent, version, "", container.created_at);
        session.guid.clone_from(&self.guid);
        session.state = SessionState::Active;
        session
    }

    /// How long it may be unused: those that always run for ever, others as long as a session.
    fn idle_after(&self, container: &Container, hosted: &HostedDefinition) -> Option<Duration> {
        (self.index >= container.scale.min).then_some(hosted.idle_after)
    }

    /// Enters its sandbox. It is started if it does not run.
    pub async fn enter(
        &self,
        service: &Service,
        project: &Arc<str>,
        container: &Container,
    ) -> Result<Visit, OperationError> {
        let version = Some(container.version.as_str());
        let agent = agents::resolve(service, project, &container.agent, version, 0).await?;
        let hosted = rooms::require_hosted(service, &agent)?;
        let hosting = rooms::hosting(service)?;
        let prepared = build::prepared(service, hosting, project, &agent, &hosted).await?;
        let session = self.session(container);
        let mut order = rooms::order(service, hosting, project, &agent, &hosted, &session, prepared).await?;
        order.idle_after = self.idle_after(container, &hosted);
        let entered = hosting.fleet().enter(order).await;
        if entered.is_err() {
            rooms::stop(service, &session).await;
        }
        Ok(entered?)
    }

    /// Stops its sandbox.
    pub async fn stop(&self, service: &Service, container: &Container) {
        rooms::stop(service, &self.session(container)).await;
    }
}

impl From<ApiError> for OperationError {
    fn from(error: ApiError) -> Self {
        let detail = error.detail();
        Self {
            code: detail.code.clone().unwrap_or_else(|| "error".to_owned()),
            kind: detail.kind.clone().unwrap_or_else(|| "error".to_owned()),
            message: detail.message.clone(),
        }
    }
}

impl From<cupola_hosting::Failure> for OperationError {
    fn from(failure: cupola_hosting::Failure) -> Self {
        let code = failure.code.as_str().to_owned();
        Self { code, kind: "invalid_request_error".to_owned(), message: failure.message }
    }
}

/// The replica that a request goes to, as the session that it is. `None` where the agent is of a later generation,
/// or its container was not started.
pub async fn chosen(
    service: &Service,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
) -> Result<Option<Session>, ApiError> {
    if !hosted.is_first_generation() {
        return Ok(None);
    }
    let Some((container, _)) = container::find(service, project, &agent.name, &agent.version).await? else {
        return Ok(None);
    };
    if !container.state.answers() {
        return Ok(None);
    }
    let fleet = rooms::hosting(service)?.fleet();
    let replicas = container.replicas(project);
    let visits: Vec<Option<usize>> = replicas.iter().map(|replica| fleet.visits(&replica.guid)).collect();
    let index = choose(&visits, TURN.fetch_add(1, Ordering::Relaxed));
    let replica = &replicas[index];
    if visits[index].is_none() {
        replica.enter(service, project, &container).await.map_err(|error| {
            rooms::not_ready(format!(
                "The replica '{}' did not become ready: {}",
                replica.name, error.message
            ))
        })?;
    }
    Ok(Some(replica.session(&container)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_its_name_again_after_a_restart_and_shares_it_with_nobody() {
        let replica = Replica::of("p", "worker", "1", 0);
        assert_eq!(replica, Replica::of("p", "worker", "1", 0));
        assert_eq!((replica.name.as_str(), replica.guid.len()), ("worker--1-0", 32));
        for other in [
            Replica::of("q", "worker", "1", 0),
            Replica::of("p", "worker", "2", 0),
            Replica::of("p", "worker", "1", 1),
        ] {
            assert_ne!(replica.guid, other.guid);
        }
    }
}
