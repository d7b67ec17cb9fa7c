//! The writer thread. Batches that wait while one commit runs share the next one, so that the cost of
//! making data durable is paid once for all of them.

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{apply::apply, reserve::Reserve};
use crate::{Batch, Commit, StoreError};

/// The most batches that share a commit.
const GROUP: usize = 256;

struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// A handle to the writer thread. The thread ends, after what is on its way, when this is dropped.
#[derive(Debug)]
pub struct Writer {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(connection: Connection, reserve: Reserve) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_until_closed(connection, reserve, queue))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Hands over a batch.
    pub fn submit(&self, batch: Batch) -> Commit {
        let (answer, receiver) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // A closed queue drops the answer's sender, which the receiver reports as `Stopped`.
            let _ = jobs.send(Job { batch, answer });
        }
        Commit(receiver)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_until_closed(
    mut connection: Connection,
    mut reserve: Reserve,
    mut queue: mpsc::UnboundedReceiver<Job>,
) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        if !reserve.is_complete() && queue.is_empty() && !queue.is_closed() {
            reserve.grow();
            continue;
        }
        if queue.blocking_recv_many(&mut group, GROUP) == 0 {
            break;
        }
        commit_group(&mut connection, &mut group);
    }
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Commits all batches of a group at once. A batch whose condition does not hold takes nothing of the
/// others back.
fn commit_group(connection: &mut Connection, group: &mut Vec<Job>) {
    let outcomes = match all_at_once(connection, group) {
        Err(StoreError::Conflict(conflict)) if group.len() == 1 => {
            Ok(vec![Err(StoreError::Conflict(conflict))])
        }
        // Savepoints cost a second journal, so they are used only once they are needed.
        Err(StoreError::Conflict(_)) => each_by_itself(connection, group),
        outcome => outcome,
    };
    match outcomes {
        Ok(outcomes) => {
            for (job, outcome) in group.drain(..).zip(outcomes) {
                let _ = job.answer.send(outcome);
            }
        }
        Err(error) => {
            tracing::error!(%error, batches = group.len(), "a commit failed; nothing of it was written");
            for job in group.drain(..) {
                let _ = job.answer.send(Err(error.clone()));
            }
        }
    }
}

type Outcomes = Vec<Result<(), StoreError>>;

/// The usual case: no batch conflicts.
fn all_at_once(connection: &mut Connection, group: &[Job]) -> Result<Outcomes, StoreError> {
    let transaction = connection.transaction()?;
    for job in group {
        apply(&transaction, &job.batch)?;
    }
    transaction.commit()?;
    Ok(group.iter().map(|_| Ok(())).collect())
}

/// Each batch in its own savepoint, so that one that conflicts can be taken back alone.
fn each_by_itself(connection: &mut Connection, group: &[Job]) -> Result<Outcomes, StoreError> {
    let mut transaction = connection.transaction()?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        let savepoint = transaction.savepoint()?;
        match apply(&savepoint, &job.batch) {
            Ok(()) => {
                savepoint.commit()?;
                outcomes.push(Ok(()));
            }
            Err(error @ StoreError::Conflict(_)) => outcomes.push(Err(error)),
            // SQLite may have rolled back the whole transaction by itself: nothing of it can be trusted.
            Err(error) => return Err(error),
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}
