//! Performs the operations on a container, one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cupola_store::{Change, Conflict, Listing, Order, StoreError};
use futures_util::future::try_join_all;
use tokio::sync::{mpsc, oneshot};

use super::{
    container::{self, Container},
    operation::{self, OPERATION, Operation, OperationError, OperationStatus, operations_of},
    replica::Replica,
    scale::Scale,
    state::{ContainerState, Wish},
};
use crate::{ApiError, Service, agents, hosted::rooms};

/// The way to the worker of each container.
#[derive(Debug, Default)]
pub struct Lines {
    by_container: Mutex<HashMap<String, mpsc::UnboundedSender<Job>>>,
}

/// What a worker is to do.
#[derive(Debug)]
enum Job {
    /// Perform an operation, and say when that is done.
    Perform { operation: String, done: oneshot::Sender<()> },
    /// Start what ran before a restart of the service.
    Restore,
}

/// A container, and whose it is.
#[derive(Clone)]
struct Place {
    service: Service,
    project: Arc<str>,
    agent: String,
    version: String,
}

impl Place {
    fn new(service: &Service, project: &Arc<str>, agent: &str, version: &str) -> Self {
        let (service, project) = (service.clone(), Arc::clone(project));
        Self { service, project, agent: agent.to_owned(), version: version.to_owned() }
    }

    /// Gives the container's worker something to do after all that it has been given.
    fn hand_over(&self, job: Job) -> Result<(), ApiError> {
        let lines = rooms::hosting(&self.service)?.lines();
        let mut lines = lines.by_container.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{}/{}/{}", self.project, self.agent, self.version);
        let line = lines.entry(name).or_insert_with(|| {
            let (line, jobs) = mpsc::unbounded_channel();
            tokio::spawn(self.clone().work(jobs));
            line
        });
        // A worker works for as long as the service does.
        let _ = line.send(job);
        Ok(())
    }

    async fn work(self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        while let Some(job) = jobs.recv().await {
            let worked = match job {
                Job::Perform { operation, done } => {
                    let performed = self.perform(&operation).await;
                    let _ = done.send(());
                    performed
                }
                Job::Restore => self.restore().await,
            };
            if let Err(error) = worked {
                let (agent, version) = (&self.agent, &self.version);
                tracing::error!(agent, version, error = ?error.detail(), "work on a container broke off");
            }
        }
    }

    /// Performs an operation: says that it has begun, does it, and says how it went.
    async fn perform(&self, id: &str) -> Result<(), ApiError> {
        let Some((mut operation, _)) = operation::find(&self.service, &self.project, id).await? else {
            return Ok(());
        };
        let (mut container, _) = self.container().await?;
        let Some(under) = container.state.under(operation.wish) else {
            operation.status = OperationStatus::Succeeded;
            return self.record(None, Some(operation)).await;
        };
        operation.status = OperationStatus::InProgress;
        container.state = under;
        if under == ContainerState::Starting {
            container.scale = operation.scale;
        }
        self.record(Some(container.clone()), Some(operation.clone())).await?;

        let outcome = self.bring_about(operation.wish, &mut container, operation.scale).await;
        container.state = under.after(outcome.is_ok());
        operation.status = OperationStatus::Succeeded;
        container.error_message = None;
        if let Err(error) = outcome {
            // What ran before an update goes on.
            if operation.wish != Wish::Update {
                container.error_message = Some(error.message.clone());
            }
            operation.status = OperationStatus::Failed;
            operation.error = Some(error);
        }
        self.record(Some(container), Some(operation)).await
    }

    async fn bring_about(
        &self,
        wish: Wish,
        container: &mut Container,
        scale: Scale,
    ) -> Result<(), OperationError> {
        match wish {
            Wish::Start => {
                let raised = self.raise(container).await;
                if raised.is_err() {
                    self.lower(container, container.scale.max, 0).await;
                }
                raised
            }
            Wish::Update => {
                let before = std::mem::replace(&mut container.scale, scale);
                // Whether a replica may fall asleep is settled when it is started.
                let stays = if scale.min == before.min { scale.max } else { scale.min.min(before.min) };
                self.lower(container, before.max, stays).await;
                let raised = self.raise(container).await;
                if raised.is_err() {
                    self.lower(container, scale.max, before.min).await;
                    container.scale = before;
                }
                raised
            }
            Wish::Stop => {
                self.lower(container, container.scale.max, 0).await;
                Ok(())
            }
            Wish::Delete => {
                self.lower(container, container.scale.max, 0).await;
                if let Some(hosting) = self.service.hosting() {
                    for replica in container.replicas(&self.project) {
                        hosting.forget(&replica.guid).await;
                    }
                }
                Ok(())
            }
        }
    }

    /// Starts the replicas that always run, all at once.
    async fn raise(&self, container: &Container) -> Result<(), OperationError> {
        let replicas = container.replicas(&self.project);
        let always = replicas.iter().take(container.scale.min as usize);
        let starts = always.map(|replica| replica.enter(&self.service, &self.project, container));
        try_join_all(starts).await.map(drop)
    }

    /// Stops those of so many replicas that have this number or a higher one, all at once.
    async fn lower(&self, container: &Container, of: u32, from: u32) {
        let replicas: Vec<Replica> =
            (from..of).map(|index| container.replica(&self.project, index)).collect();
        let stops = replicas.iter().map(|replica| replica.stop(&self.service, container));
        futures_util::future::join_all(stops).await;
    }

    /// Starts what ran before a restart of the service. Where that fails, the container says so.
    async fn restore(&self) -> Result<(), ApiError> {
        let (mut container, _) = self.container().await?;
        if container.state != ContainerState::Running {
            return Ok(());
        }
        let Err(error) = self.raise(&container).await else { return Ok(()) };
        self.lower(&container, container.scale.max, 0).await;
        container.state = ContainerState::Failed;
        container.error_message = Some(error.message);
        self.record(Some(container), None).await
    }

    async fn container(&self) -> Result<(Container, Option<i64>), ApiError> {
        let found = container::find(&self.service, &self.project, &self.agent, &self.version).await?;
        let now = self.service.clock().seconds();
        Ok(found.map_or_else(
            || (Container::absent(&self.agent, &self.version, now), None),
            |(container, etag)| (container, Some(etag)),
        ))
    }

    /// Records where a container and an operation on it are, together.
    async fn record(
        &self,
        container: Option<Container>,
        operation: Option<Operation>,
    ) -> Result<(), ApiError> {
        let (stored, etag) = self.container().await?;
        let mut changes = Vec::new();
        let is_changed = container.is_some();
        let mut container = container.unwrap_or(stored);
        if is_changed {
            container.updated_at = self.service.clock().seconds();
            changes.push(container.store(&self.project, etag));
        }
        if let Some(mut operation) = operation {
            let fleet = rooms::hosting(&self.service)?.fleet();
            operation.container = Some(container.shown(&self.project, fleet));
            if let Some((_, etag)) = operation::find(&self.service, &self.project, &operation.id).await? {
                changes.push(operation.replace(&self.project, etag));
            }
        }
        Ok(self.service.store().commit(changes).await?)
    }
}

/// Records an operation and has it performed.
pub async fn accept(
    service: &Service,
    project: &Arc<str>,
    operation: &Operation,
) -> Result<oneshot::Receiver<()>, ApiError> {
    let insert = operation.insert(project, service.clock().seconds());
    service.store().commit(vec![insert]).await?;
    let (done, news) = oneshot::channel();
    let place = Place::new(service, project, &operation.agent, &operation.version);
    place.hand_over(Job::Perform { operation: operation.id.clone(), done })?;
    Ok(news)
}

/// Starts what ran before a restart of the service, and goes on with what it has interrupted.
pub async fn resume(service: &Service) -> Result<(), ApiError> {
    for project in service.projects() {
        for agent in agents::hosted_names(service, project).await? {
            for container in container::all(service, project, &agent).await? {
                Place::new(service, project, &agent, &container.version).hand_over(Job::Restore)?;
            }
            for operation in all(service, project, &agent).await? {
                if !operation.is_over() {
                    let (done, _) = oneshot::channel();
                    let place = Place::new(service, project, &agent, &operation.version);
                    place.hand_over(Job::Perform { operation: operation.id, done })?;
                }
            }
        }
    }
    Ok(())
}

/// Ends the containers of an agent, or of one version of it, before it is deleted. Without `force`, those that run
/// are in the way.
pub async fn vacate(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    version: Option<&str>,
    force: bool,
) -> Result<(), ApiError> {
    let mut containers = container::all(service, project, agent).await?;
    containers.retain(|container| version.is_none_or(|version| container.version == version));
    let runs = |container: &&Container| container.state.answers();
    if !force && let Some(running) = containers.iter().find(runs) {
        return Err(ApiError::conflict(format!(
            "The version {} of the agent '{agent}' has a container that runs. Delete the container, or delete \
             with 'force=true'.",
            running.version
        )));
    }
    for container in &containers {
        let operation = Operation::new(agent, &container.version, Wish::Delete, container.scale);
        // Only the end of the service takes the worker away.
        let _ = accept(service, project, &operation).await?.await;
        forget(service, container.forget(project)).await?;
    }
    for operation in all(service, project, agent).await? {
        if version.is_none_or(|version| operation.version == version) {
            let key = cupola_store::Key::new(project, OPERATION, operation.id);
            forget(service, Change::Delete { key }).await?;
        }
    }
    Ok(())
}

async fn forget(service: &Service, change: Change) -> Result<(), ApiError> {
    match service.store().commit(vec![change]).await {
        Ok(()) | Err(StoreError::Conflict(Conflict::Missing(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// All operations of an agent, oldest first.
async fn all(service: &Service, project: &Arc<str>, agent: &str) -> Result<Vec<Operation>, ApiError> {
    let (parent, order, limit) = (operations_of(agent), Order::Asc, usize::MAX - 1);
    let (kind, parent) = (OPERATION, parent.as_str());
    let listing = Listing { project, kind, parent, facet: None, order, after: None, before: None, limit };
    service.store().list(listing).await?.items.iter().map(Operation::read).collect()
}
