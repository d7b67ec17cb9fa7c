//! Containers that nobody has used for as long as their rule says. For clients they have expired at that moment; one
//! task sleeps until the first of them, ends its interpreter and frees what its files take.

use std::{sync::Arc, time::Duration};

use cupola_store::{Change, Conflict, StoreError};

use super::{
    Containers,
    handle::replace,
    kinds,
    record::{ContainerRecord, read},
};

/// How long to wait after the resources could not be read.
const TROUBLE: Duration = Duration::from_secs(60);

impl Containers {
    /// Remembers when a container may expire.
    pub(super) fn watch_expiry(&self, project: &Arc<str>, record: &ContainerRecord) {
        let used_at = self.slots().used_at(project, &record.id);
        self.expiring().add(record.expires_at(used_at), project, &record.id);
    }

    /// Remembers when the containers of a project may expire.
    pub(super) async fn watch_all_expiries(&self, project: &Arc<str>) -> Result<(), StoreError> {
        for record in self.all(project).await?.iter().filter(|record| !record.has_ended) {
            self.watch_expiry(project, record);
        }
        Ok(())
    }

    /// Ends containers whose time is over, one after the other, for ever.
    pub(super) async fn watch_expiries(&self) {
        loop {
            self.expiring().next(self.now()).await;
            while let Some((end, project, id)) = self.expiring().take(self.now()) {
                if let Err(error) = self.expire(&project, &id).await {
                    tracing::warn!(%error, container = id, "a container could not be ended; trying again later");
                    self.expiring().add(end, &project, &id);
                    tokio::time::sleep(TROUBLE).await;
                }
            }
        }
    }

    /// Ends a container, unless it was used meanwhile.
    async fn expire(&self, project: &Arc<str>, id: &str) -> Result<(), StoreError> {
        loop {
            let Some(found) = self.store().get(&kinds::container(project, id)).await? else { return Ok(()) };
            let record: ContainerRecord = read(&found)?;
            if record.has_ended {
                return Ok(());
            }
            if !record.has_expired(self.slots().used_at(project, id), self.now()) {
                self.watch_expiry(project, &record);
                return Ok(());
            }
            let files = self.files(project, id).await?;
            let ended = ContainerRecord { has_ended: true, ..record };
            let gone = files.iter().map(|file| Change::Delete { key: kinds::file(project, &file.id) });
            let changes = std::iter::once(replace(project, &found, &ended)).chain(gone).collect();
            match self.store().commit(changes).await {
                Ok(()) => {
                    tracing::info!(container = id, "a container has expired");
                    self.slots().end(project, id).await;
                    self.slots().forget(project, id);
                    self.forget_blobs(files.into_iter().map(|file| file.blob)).await;
                    return Ok(());
                }
                // It was used, or a file was removed.
                Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
