//! Who does the same thing at the same time does it once: the second waits, and finds it done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::digest::Digest;

/// Locks by digest. One that nobody holds takes no memory for long.
#[derive(Debug, Default)]
pub(super) struct Turns {
    locks: Mutex<HashMap<Digest, Weak<AsyncMutex<()>>>>,
}

impl Turns {
    /// Waits until nobody else has this digest's turn.
    pub async fn take(&self, digest: &Digest) -> OwnedMutexGuard<()> {
        self.lock(digest).lock_owned().await
    }

    fn lock(&self, digest: &Digest) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(digest).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(digest.clone(), Arc::downgrade(&lock));
        lock
    }
}
