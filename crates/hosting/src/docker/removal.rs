//! Removing containers, also those that a daemon which had gone away could not remove.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bollard::{Docker, errors::Error, query_parameters::RemoveContainerOptionsBuilder};

use super::words;

/// Removes containers, and remembers those that are still to be removed.
#[derive(Debug, Default)]
pub(super) struct Removal {
    left: Mutex<BTreeSet<String>>,
}

impl Removal {
    /// Removes a container now, or as soon as the daemon is there again.
    pub async fn remove(&self, client: &Docker, container: &str) {
        if let Err(error) = remove(client, container).await {
            tracing::warn!(container, reason = words::said(&error), "a container is to be removed later");
            self.left().insert(container.to_owned());
        }
    }

    /// Removes what could not be removed before.
    pub async fn catch_up(&self, client: &Docker) {
        let left = std::mem::take(&mut *self.left());
        for container in left {
            self.remove(client, &container).await;
        }
    }

    fn left(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a container, whatever it does. One that is gone, or about to be, counts as removed.
pub(super) async fn remove(client: &Docker, container: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match client.remove_container(container, Some(options)).await {
        Err(error) if matches!(words::status(&error), Some(404 | 409)) => Ok(()),
        answer => answer,
    }
}
