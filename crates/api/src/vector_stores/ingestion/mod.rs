//! Ingestion: what becomes of files that are in progress.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cupola_wire::vector_stores::FileStatus;
use tokio::sync::Notify;

use self::queue::{Job, Place, Queue};
use super::{VectorStores, record::FileRecord};

/// The files that wait, and who is told of new ones.
#[derive(Debug, Default)]
pub struct Waiting {
    queue: Mutex<Queue>,
    more: Notify,
}

impl Waiting {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VectorStores {
    /// Begins to read those files that are in progress.
    pub(super) fn begin(&self, project: &Arc<str>, files: &[FileRecord]) {
        let mut queue = self.waiting().queue();
        for file in files.iter().filter(|file| file.status == FileStatus::InProgress) {
            let place =
                Place { project: Arc::clone(project), store: Arc::from(file.vector_store_id.as_str()) };
            queue.push(&place, Job { file: file.id.clone(), bytes: file.bytes });
        }
        drop(queue);
        self.waiting().more.notify_one();
    }
}
