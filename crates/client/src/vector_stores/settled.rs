//! Waits until files are read, well or not.

use cupola_wire::vector_stores::{
    FileStatus, StoreStatus, VectorStore, VectorStoreFile, VectorStoreFileBatch,
};
use serde::de::DeserializeOwned;

use crate::{Patience, Result, service::Service};

/// What can be in progress.
pub(super) trait Settling: DeserializeOwned {
    fn id(&self) -> &str;
    fn is_in_progress(&self) -> bool;
}

/// What lies at the path once it is no longer in progress. `seen` is shown every look.
pub(super) async fn until_settled<T: Settling>(
    service: &Service,
    path: &[&str],
    patience: Patience,
    mut seen: impl FnMut(&T),
) -> Result<T> {
    let mut pauses = patience.begin();
    loop {
        let (found, pace) = service.get_with_pace::<T>(path).await?;
        seen(&found);
        if !found.is_in_progress() {
            return Ok(found);
        }
        pauses.pause(pace, found.id(), FileStatus::InProgress.as_str()).await?;
    }
}

impl Settling for VectorStore {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_in_progress(&self) -> bool {
        self.status == StoreStatus::InProgress
    }
}

impl Settling for VectorStoreFile {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_in_progress(&self) -> bool {
        self.status == FileStatus::InProgress
    }
}

impl Settling for VectorStoreFileBatch {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_in_progress(&self) -> bool {
        self.status == FileStatus::InProgress
    }
}
