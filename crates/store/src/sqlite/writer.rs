//! The writer. Batches that wait while one commit runs share the next one, so that the cost of making data
//! durable is paid once for all of them. A batch that comes alone can be committed by the thread that brings it:
//! waking another one, and being woken by it, takes a good part of the time that the commit itself does.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use rusqlite::Connection;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{mpsc, oneshot},
    task::block_in_place,
};

use super::{apply::apply, reserve::Reserve};
use crate::{Batch, Commit, StoreError};

/// The most batches that share a commit.
const GROUP: usize = 256;

struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What the writer thread shares with whoever commits by himself.
#[derive(Debug)]
struct Desk {
    connection: Mutex<Connection>,
    /// Batches that were handed over and are not committed yet.
    waiting: AtomicUsize,
    /// Whether batches have come together lately. Then they had better share commits.
    is_busy: AtomicBool,
}

impl Desk {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Whatever a panic left open is rolled back when the next transaction begins.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, if nobody else has a use for it.
    fn alone(&self) -> Option<MutexGuard<'_, Connection>> {
        if self.is_busy.load(Ordering::Relaxed) {
            return None;
        }
        let connection = match self.connection.try_lock() {
            Ok(connection) => connection,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        // What was handed over before goes first.
        (self.waiting.load(Ordering::Acquire) == 0).then_some(connection)
    }
}

/// A handle to the writer. Its thread ends, after what is on its way, when this is dropped.
#[derive(Debug)]
pub struct Writer {
    desk: Arc<Desk>,
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(connection: Connection, reserve: Reserve) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            connection: Mutex::new(connection),
            waiting: AtomicUsize::new(0),
            is_busy: AtomicBool::new(false),
        });
        let shared = Arc::clone(&desk);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_until_closed(&shared, reserve, queue))?;
        Ok(Self { desk, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Hands over a batch.
    pub fn submit(&self, batch: Batch) -> Commit {
        let (answer, receiver) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            self.desk.waiting.fetch_add(1, Ordering::AcqRel);
            // A closed queue drops the answer's sender, which the receiver reports as `Stopped`.
            let _ = jobs.send(Job { batch, answer });
        }
        Commit::Waiting(receiver)
    }

    /// Commits a batch here and now if it is alone, else hands it over.
    pub fn commit(&self, batch: Batch) -> Commit {
        if !may_block() {
            return self.submit(batch);
        }
        let Some(mut connection) = self.desk.alone() else { return self.submit(batch) };
        let outcome = block_in_place(|| one(&mut connection, &batch));
        Commit::Done(Some(outcome))
    }
}

/// Whether other threads take over what this one has to do meanwhile.
fn may_block() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_until_closed(desk: &Desk, mut reserve: Reserve, mut queue: mpsc::UnboundedReceiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        if !reserve.is_complete() && queue.is_empty() && !queue.is_closed() {
            // Nobody else may write the log meanwhile.
            let _connection = desk.connection();
            reserve.grow();
            continue;
        }
        let jobs = queue.blocking_recv_many(&mut group, GROUP);
        if jobs == 0 {
            break;
        }
        commit_group(&mut desk.connection(), &mut group);
        let left = desk.waiting.fetch_sub(jobs, Ordering::AcqRel) - jobs;
        desk.is_busy.store(jobs > 1 || left > 0, Ordering::Relaxed);
    }
    let _ = desk.connection().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Commits a batch that is alone.
fn one(connection: &mut Connection, batch: &Batch) -> Result<(), StoreError> {
    let outcome = (|| {
        let transaction = connection.transaction()?;
        apply(&transaction, batch)?;
        Ok(transaction.commit()?)
    })();
    if let Err(error) = &outcome
        && !matches!(error, StoreError::Conflict(_))
    {
        tracing::error!(%error, "a commit failed; nothing of it was written");
    }
    outcome
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
