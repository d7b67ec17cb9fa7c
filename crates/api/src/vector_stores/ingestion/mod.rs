//! Ingestion: what becomes of files that are in progress, and of passages that nobody may find any more.
//!
//! A file is in progress in the commit that answers the client, so nothing here has to be remembered: after a start,
//! all such files are in the queue again. First the index is durable, then the file is completed. Doing it twice
//! changes nothing, because the chunks of a file replace those that it had.

mod clear;
mod embed;
mod finish;
mod mend;
mod queue;
mod read;
mod worker;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cupola_wire::vector_stores::FileStatus;
use tokio::sync::{Notify, watch};

pub use self::embed::Patience;
use self::queue::{Group, Job, Place, Queue};
use super::{VectorStores, record::FileRecord};

/// What there is to do, and who is told of it.
#[derive(Debug)]
pub struct Waiting {
    work: Mutex<AllWork>,
    more: Notify,
    /// How many files have come to their end.
    settled: watch::Sender<u64>,
}

/// What there is to do. What is cheap comes first.
#[derive(Debug, Default)]
struct AllWork {
    /// Files that have left their store.
    left: HashMap<Place, Vec<String>>,
    /// Files that are to be read.
    queue: Queue,
    /// Stores whose index may differ from what the resources say.
    doubtful: VecDeque<Place>,
}

/// Something to do.
#[derive(Debug)]
enum Work {
    /// Remove the passages of files that have left, or of a whole store that is gone.
    Clear(Place, Vec<String>),
    /// Read files.
    Read(Group),
    /// Look through the index of a store.
    Mend(Place),
}

impl Default for Waiting {
    fn default() -> Self {
        Self { work: Mutex::default(), more: Notify::new(), settled: watch::Sender::new(0) }
    }
}

impl Waiting {
    fn work(&self) -> MutexGuard<'_, AllWork> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do.
    async fn next(&self) -> Work {
        loop {
            let more = self.more.notified();
            if let Some(work) = self.take() {
                return work;
            }
            more.await;
        }
    }

    fn take(&self) -> Option<Work> {
        let mut all = self.work();
        let work = all.take()?;
        let is_more = !all.is_empty();
        drop(all);
        if is_more {
            // Several workers may wait, and a notification wakes only one.
            self.more.notify_one();
        }
        Some(work)
    }

    fn add(&self, add: impl FnOnce(&mut AllWork)) {
        add(&mut self.work());
        self.more.notify_one();
    }
}

impl AllWork {
    fn take(&mut self) -> Option<Work> {
        let leaving = self.left.keys().next().cloned();
        if let Some((place, files)) = leaving.and_then(|place| self.left.remove_entry(&place)) {
            return Some(Work::Clear(place, files));
        }
        let group = self.queue.take().map(Work::Read);
        group.or_else(|| self.doubtful.pop_front().map(Work::Mend))
    }

    fn is_empty(&self) -> bool {
        self.left.is_empty() && self.queue.is_empty() && self.doubtful.is_empty()
    }
}

impl VectorStores {
    /// Begins to read those files that are in progress.
    pub(super) fn begin(&self, project: &Arc<str>, files: &[FileRecord]) {
        self.waiting().add(|all| {
            for file in files.iter().filter(|file| file.status == FileStatus::InProgress) {
                let place = place(project, &file.vector_store_id);
                all.queue.push(&place, Job { file: file.id.clone(), bytes: file.bytes });
            }
        });
    }

    /// Removes the passages of a file by and by.
    pub(super) fn forget_file(&self, project: &Arc<str>, store: &str, file: &str) {
        self.waiting().add(|all| all.left.entry(place(project, store)).or_default().push(file.to_owned()));
    }

    /// Removes the passages of a store by and by.
    pub(super) fn forget_store(&self, project: &Arc<str>, store: &str) {
        self.waiting().add(|all| {
            all.left.entry(place(project, store)).or_default();
        });
    }

    /// Tells those who wait that files have come to their end.
    pub(super) fn tell_settled(&self) {
        self.waiting().settled.send_modify(|count| *count += 1);
    }

    /// Looks through the index of a store by and by.
    pub(super) fn doubt(&self, project: &Arc<str>, store: &str) {
        self.waiting().add(|all| all.doubtful.push_back(place(project, store)));
    }
}

fn place(project: &Arc<str>, store: &str) -> Place {
    Place { project: Arc::clone(project), store: Arc::from(store) }
}
