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
        // Those whose program has ended are still to be lost.
        let running = ready.iter().rposition(|(_, visit)| visit.exit_news().borrow().is_none())?;
        Some(ready.swap_remove(running))
    }

    /// Takes away one that has ended while it waited. False where this was none of those.
    pub fn lose(&self, guid: &str) -> bool {
        let mut shelves = self.shelves();
        shelves.values_mut().any(|shelf| {
            let found = shelf.ready.iter().position(|(session, _)| session.guid == guid);
            found.map(|place| shelf.ready.swap_remove(place)).is_some()
        })
    }

    /// How many have to be started so that this many wait. They count from now on.
    fn claim_missing(&self, version: &str, wanted: usize) -> usize {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(version.to_owned()).or_default();
        let missing = wanted.saturating_sub(shelf.ready.len() + shelf.rising);
        shelf.rising += missing;
        missing
    }

    /// Puts one where it is taken from. A version that was deleted meanwhile has no place for it: it comes back.
    fn risen(&self, version: &str, sandbox: Option<(Session, Visit)>) -> Option<(Session, Visit)> {
        let mut shelves = self.shelves();
        let Some(shelf) = shelves.get_mut(version) else { return sandbox };
        shelf.rising = shelf.rising.saturating_sub(1);
        shelf.ready.extend(sandbox);
        None
    }

    /// Takes away all of them.
    pub fn clear_all(&self) -> Vec<Session> {
        let shelves = self.shelves().drain().collect::<Vec<_>>();
        shelves.into_iter().flat_map(|(_, shelf)| shelf.ready).map(|(session, _)| session).collect()
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
pub async fn take(
    service: &Service,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
    owner: &str,
) -> Option<(Session, Visit)> {
    let hosting = service.hosting()?;
    let taken = hosting.warm().take(&shelf_of(project, &agent.name, &agent.version));
    fill(service, project, agent, hosted);
    let (session, visit) = taken?;
    if let Err(error) = hosting.claim(&session.guid).await {
        tracing::warn!(%error, "a sandbox that was warm can't be handed over");
        discard(service, project, &session).await;
        return None;
    }
    Some((session.handed_to(owner, service.clock().seconds()), visit))
}

/// Ends one that nobody will take.
async fn discard(service: &Service, project: &Arc<str>, session: &Session) {
    if let Err(error) = rooms::leave(service, project, session).await {
        tracing::warn!(why = error.detail().message, "what a warm sandbox has left open was not ended");
    }
    if let Some(hosting) = service.hosting() {
        hosting.forget(&session.guid).await;
    }
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
            let Some(hosting) = service.hosting() else { return };
            if let Some((session, visit)) = hosting.warm().risen(&shelf, risen.ok()) {
                drop(visit);
                discard(&service, &project, &session).await;
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
    let reserved = rooms::hosting(service)?.reserve(&session.guid).await;
    reserved.map_err(|error| ApiError::internal("making the folder of a session", error))?;
    match rooms::enter(service, project, agent, hosted, &session).await {
        Ok(visit) => Ok((session, visit)),
        Err(error) => {
            discard(service, project, &session).await;
            Err(error)
        }
    }
}
