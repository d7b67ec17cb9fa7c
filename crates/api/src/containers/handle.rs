//! What the operations and the tool work with.

use std::{sync::Arc, time::Duration};

use cupola_engine::Clock;
use cupola_interpreter::Interpreters;
use cupola_store::{Batch, Blobs, Change, Listing, Resource, SharedStore, StoreError};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use super::{
    alive::Slots,
    fault::ContainerFault,
    kinds::{self, CONTAINER, FILE_IN_CONTAINER},
    record::{ContainerRecord, FileRecord, read},
};
use crate::{body::document, expiring::Expiring};

/// A container's last use is written down anew when it is so many seconds old.
const ACTIVE: i64 = 60;

/// How code may run.
#[derive(Clone, Copy, Debug)]
pub struct ContainersSettings {
    /// How long one call may take.
    pub timeout: Duration,
    /// How many interpreters there are at the same time, at most.
    pub max_interpreters: usize,
}

impl Default for ContainersSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(60), max_interpreters: 16 }
    }
}

/// What containers are made of.
pub struct ContainersParts {
    /// Where resources are.
    pub store: SharedStore,
    /// Where the bytes of files are.
    pub blobs: Arc<dyn Blobs>,
    /// What runs code.
    pub interpreters: Interpreters,
    /// How code may run.
    pub settings: ContainersSettings,
}

/// The containers of all projects.
pub struct Containers {
    parts: ContainersParts,
    clock: Clock,
    slots: Slots,
    places: Arc<Semaphore>,
    expiring: Expiring,
    closing: watch::Sender<bool>,
    tasks: TaskTracker,
}

impl Containers {
    /// Containers made of these parts. Nothing runs before somebody asks.
    pub fn new(parts: ContainersParts) -> Self {
        Self {
            places: Arc::new(Semaphore::new(parts.settings.max_interpreters)),
            parts,
            clock: Clock::default(),
            slots: Slots::default(),
            expiring: Expiring::default(),
            closing: watch::Sender::new(false),
            tasks: TaskTracker::new(),
        }
    }

    /// Begins to end containers when their time is over.
    pub async fn start(self: &Arc<Self>, projects: &[Arc<str>]) -> Result<(), StoreError> {
        for project in projects {
            self.watch_all_expiries(project).await?;
        }
        let mut closing = self.closing();
        let containers = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = containers.watch_expiries() => {}
                _ = closing.wait_for(|is_closing| *is_closing) => {}
            }
        });
        Ok(())
    }

    /// Stops what runs and ends all interpreters. Files stay.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        self.tasks.close();
        self.tasks.wait().await;
        self.slots.end_all().await;
        self.parts.interpreters.close().await;
    }

    /// How code may run.
    pub fn settings(&self) -> ContainersSettings {
        self.parts.settings
    }

    /// What runs code.
    pub fn interpreters(&self) -> &Interpreters {
        &self.parts.interpreters
    }

    /// How much a container holds, in bytes.
    pub(super) fn most_bytes(&self) -> u64 {
        self.interpreters().usual_size().disk
    }

    pub(super) fn store(&self) -> &SharedStore {
        &self.parts.store
    }

    /// Where the bytes of files are.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.parts.blobs
    }

    /// Commits changes that go with a container.
    pub async fn commit(&self, changes: Batch) -> Result<(), StoreError> {
        self.store().commit(changes).await
    }

    /// Whether code can run at all.
    pub fn check(&self) -> Result<(), ContainerFault> {
        Ok(self.interpreters().check()?)
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// As many interpreters as there may be.
    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    pub(super) fn expiring(&self) -> &Expiring {
        &self.expiring
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Tells when the service ends.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// The time, in seconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.clock.seconds()
    }

    /// A container that may still be used.
    pub(super) async fn active(
        &self,
        project: &Arc<str>,
        id: &str,
    ) -> Result<(Resource, ContainerRecord), ContainerFault> {
        let found = self.store().get(&kinds::container(project, id)).await?;
        let found = found.ok_or_else(|| ContainerFault::Missing(id.to_owned()))?;
        let record: ContainerRecord = read(&found)?;
        if record.has_expired(self.slots.used_at(project, id), self.now()) {
            return Err(ContainerFault::Expired(id.to_owned()));
        }
        Ok((found, record))
    }

    /// Refuses a container that can't be used.
    pub async fn check_active(&self, project: &Arc<str>, id: &str) -> Result<(), ContainerFault> {
        self.active(project, id).await.map(drop)
    }

    /// All files of a container.
    pub(super) async fn files(&self, project: &Arc<str>, id: &str) -> Result<Vec<FileRecord>, StoreError> {
        let found = self.store().list(Listing::all(project, FILE_IN_CONTAINER, id)).await?;
        found.items.iter().map(read).collect()
    }

    /// Somebody uses a container, so that it does not expire. That is written down now and then; nobody waits.
    pub(super) fn touch(&self, project: &Arc<str>, found: &Resource, record: &ContainerRecord) {
        let now = self.now();
        self.slots.touch(project, &record.id, now);
        if now - record.last_active_at >= ACTIVE {
            let used = ContainerRecord { last_active_at: now, ..record.clone() };
            drop(self.store().submit(vec![replace(project, found, &used)]));
        }
    }

    /// The containers of a project, as they are kept.
    pub(super) async fn all(&self, project: &Arc<str>) -> Result<Vec<ContainerRecord>, StoreError> {
        let found = self.store().list(Listing::all(project, CONTAINER, "")).await?;
        found.items.iter().map(read).collect()
    }

    /// Forgets bytes. What can't be removed now only takes space.
    pub(super) async fn forget_blobs(&self, blobs: impl IntoIterator<Item = String>) {
        for blob in blobs {
            if let Err(error) = self.blobs().delete(&blob).await {
                tracing::warn!(%error, blob, "the bytes of a file of a container could not be removed");
            }
        }
    }
}

/// A new document for a container that was read.
pub(super) fn replace(project: &Arc<str>, read: &Resource, record: &ContainerRecord) -> Change {
    let key = kinds::container(project, &record.id);
    Change::Replace { key, if_etag: read.etag, doc: document(record) }
}
