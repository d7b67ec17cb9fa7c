//! New containers: those that clients ask for, and those that come with a conversation.

use std::sync::Arc;

use cupola_engine::ids;
use cupola_store::{Change, Conflict, StoreError};

use super::{
    Containers,
    carrying::Copied,
    fault::ContainerFault,
    kinds,
    record::{ContainerRecord, MEMORY, MINUTES, read},
};
use crate::body::document;

impl Containers {
    /// A record of a new container.
    pub(super) fn new_record(&self, name: &str) -> ContainerRecord {
        let now = self.now();
        ContainerRecord {
            id: ids::of_length("cntr_", 40),
            created_at: now,
            name: name.to_owned(),
            minutes: MINUTES,
            memory_limit: MEMORY.to_owned(),
            last_active_at: now,
            has_run: false,
            has_ended: false,
        }
    }

    /// Makes a container with copies of uploaded files in it.
    pub(super) async fn make(
        &self,
        project: &Arc<str>,
        record: &ContainerRecord,
        uploaded: &[String],
    ) -> Result<(), ContainerFault> {
        let copied = self.copy_uploaded(project, &record.id, uploaded, &[]).await?;
        let mut changes = vec![insert(project, record)];
        changes.extend(copied.iter().map(|copy| copy.insert(project)));
        if let Err(error) = self.store().commit(changes).await {
            self.forget_blobs(copied.into_iter().map(Copied::into_blob)).await;
            return Err(error.into());
        }
        self.watch_expiry(project, record);
        Ok(())
    }

    /// Makes sure that there is a container with this id: one that belongs to a conversation has one id for good.
    /// Once it has expired it begins empty.
    pub(super) async fn ensure(
        &self,
        project: &Arc<str>,
        id: &str,
        memory_limit: Option<&str>,
    ) -> Result<(), ContainerFault> {
        loop {
            match self.active(project, id).await {
                Ok(_) => return Ok(()),
                Err(ContainerFault::Missing(_) | ContainerFault::Expired(_)) => {}
                Err(fault) => return Err(fault),
            }
            self.remove(project, id).await?;
            let record = ContainerRecord {
                id: id.to_owned(),
                memory_limit: memory_limit.unwrap_or(MEMORY).to_owned(),
                ..self.new_record("auto")
            };
            match self.store().commit(vec![insert(project, &record)]).await {
                Ok(()) => {
                    self.watch_expiry(project, &record);
                    return Ok(());
                }
                // Another call was faster.
                Err(StoreError::Conflict(Conflict::Exists(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes a container with its files, and ends its interpreter. Says whether there was one.
    pub(super) async fn remove(&self, project: &Arc<str>, id: &str) -> Result<bool, ContainerFault> {
        self.slots().end(project, id).await;
        let key = kinds::container(project, id);
        let Some(found) = self.store().get(&key).await? else { return Ok(false) };
        let record: ContainerRecord = read(&found)?;
        let files = self.files(project, &record.id).await?;
        match self.store().commit(vec![Change::Delete { key }]).await {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.slots().forget(project, id);
        self.forget_blobs(files.into_iter().map(|file| file.blob)).await;
        Ok(true)
    }
}

fn insert(project: &Arc<str>, record: &ContainerRecord) -> Change {
    Change::Insert {
        key: kinds::container(project, &record.id),
        parent: String::new(),
        facet: record.name.clone(),
        created_at: record.created_at,
        doc: document(record),
        aside: None,
    }
}
