//! Sandboxes that are started before anybody asks, so that a new session has one at once. Each has its session's
//! id already; whose it is, is said when somebody takes it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cupola_hosting::Visit;

use super::{
    definition::HostedDefinition,
    rooms,
    session::{self, Session},
};
use crate::{ApiError, Service, agents::ResolvedAgent, partition::Partition};

/// The sandboxes that wait, by version.
#[derive(Debug, Default)]
pub struct Warm {
    shelves: Mutex<HashMap<String, Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// Those that are ready. The visit keeps them from falling asleep.
    ready: Vec<(Session, Visit)>,
    /// How many are on their way up.
    rising: usize,
}

impl Warm {
    fn shelves(&self) -> MutexGuard<'_, HashMap<String, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one for this version, if one waits whose program still runs.
    fn take(&self, version: &str) -> Option<(Session, Visit)> {
        let mut shelves = self.shelves();
        let ready = &mut shelves.get_mut(version)?.ready;
        loop {
            let (session, visit) = ready.pop()?;
            if visit.exit_news().borrow().is_none() {
                return Some((session, visit));
            }
        }
    }

    /// How many have to be started so that this many wait. They count from now on.
    fn claim_missing(&self, version: &str, wanted: usize) -> usize {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(version.to_owned()).or_default();
        let missing = wanted.saturating_sub(shelf.ready.len() + shelf.rising);
        shelf.rising += missing;
        missing
    }

    fn risen(&self, version: &str, sandbox: Option<(Session, Visit)>) {
        let mut shelves = self.shelves();
        // A version that was deleted meanwhile has no shelf, and what was started for it is stopped by its visit's
        // end.
        if let Some(shelf) = shelves.get_mut(version) {
            shelf.rising = shelf.rising.saturating_sub(1);
            shelf.ready.extend(sandbox);
        }
    }

    /// Takes away all of a version that is deleted.
    pub fn clear(&self, project: &str, agent: &str, version: Option<&str>) -> Vec<Session> {
        let prefix = match version {
            Some(version) => shelf_of(project, agent, version),
            None => shelf_of(project, agent, ""),
        };
        let mut cleared = Vec::new();
        self.shelves().retain(|shelf, sandboxes| {
            let is_of_it = if version.is_some() { *shelf == prefix } else { shelf.starts_with(&prefix) };
            if is_of_it {
                cleared.extend(sandboxes.ready.drain(..).map(|(session, _)| session));
            }
            !is_of_it
        });
        cleared
    }
}

fn shelf_of(project: &str, agent: &str, version: &str) -> String {
    format!("{project}/{agent}:{version}")
}

/// A session for this user whose sandbox runs already, if one waits. Another one takes its place.
pub fn take(
    service: &Service,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
    owner: &str,
) -> Option<(Session, Visit)> {
    let hosting = service.hosting()?;
    let taken = hosting.warm().take(&shelf_of(project, &agent.name, &agent.version));
    fill(service, project, agent, hosted);
    taken.map(|(session, visit)| {
        let now = service.clock().seconds();
        (session.handed_to(owner, now), visit)
    })
}

/// Starts as many as should wait for a version, and do not yet.
pub fn fill(service: &Service, project: &Arc<str>, agent: &ResolvedAgent, hosted: &HostedDefinition) {
    let Some(hosting) = service.hosting() else { return };
    let shelf = shelf_of(project, &agent.name, &agent.version);
    for _ in 0..hosting.warm().claim_missing(&shelf, hosting.settings().warm_per_version) {
        let (service, project, shelf) = (service.clone(), Arc::clone(project), shelf.clone());
        let (agent, hosted) = (agent.clone(), hosted.clone());
        tokio::spawn(async move {
            let risen = raise(&service, &project, &agent, &hosted).await;
            if let Err(error) = &risen {
                let why = &error.detail().message;
                tracing::warn!(agent = agent.name, version = agent.version, why, "no sandbox was warmed up");
            }
            if let Some(hosting) = service.hosting() {
                hosting.warm().risen(&shelf, risen.ok());
            }
        });
    }
}

async fn raise(
    service: &Service,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
) -> Result<(Session, Visit), ApiError> {
    let id = session::new_id(&Partition::new());
    let session = Session::new(id, &agent.name, &agent.version, "", service.clock().seconds());
    let visit = rooms::enter(service, project, agent, hosted, &session).await?;
    Ok((session, visit))
}
