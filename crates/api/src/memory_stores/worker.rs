//! The workers: they sleep until an update is due, and make it. What a crash interrupts is made again: an update and
//! what it changes are one commit.

use std::{sync::Arc, time::Duration};

use cupola_models::{Fault, FaultKind};
use cupola_store::{Change, Conflict, Listing, StoreError};
use serde_json::json;

use super::{
    Memories,
    kinds::{self, STORE, TO_DO, UPDATE},
    merge::{merge, texts},
    record::{Status, Store, Update, Usage, read},
    said::messages,
    schedule::Job,
    updates::ended,
};
use crate::{ApiError, body::document};

/// How many updates are made at once.
const WORKERS: usize = 4;
/// How often a model is asked that can't be reached, and the pause before it is asked again.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);
/// The pause after a fault of the store.
const TROUBLE: Duration = Duration::from_secs(5);

impl Memories {
    /// Takes up the updates that were still to be made when the service ended, and begins to work.
    pub async fn start(self: &Arc<Self>, projects: &[Arc<str>]) -> Result<(), StoreError> {
        for project in projects {
            for store in self.store().list(Listing::all(project, STORE, "")).await?.items {
                let waiting = Listing { facet: Some(TO_DO), ..Listing::all(project, UPDATE, &store.id) };
                for found in self.store().list(waiting).await?.items {
                    match read::<Update>(&found) {
                        Ok(update) => self.schedule_update(project, &update, update.due),
                        Err(_) => {
                            tracing::error!(update = found.id, "an update of memories is damaged; it stays")
                        }
                    }
                }
            }
        }
        for _ in 0..WORKERS {
            let memories = Arc::clone(self);
            let mut closing = self.closing().subscribe();
            self.tasks().spawn(async move {
                tokio::select! {
                    () = memories.work() => {}
                    _ = closing.wait_for(|is_closing| *is_closing) => {}
                }
            });
        }
        Ok(())
    }

    /// Ends the workers, where they stand. When this returns, nobody writes any more.
    pub async fn close(&self) {
        self.closing().send_replace(true);
        self.tasks().close();
        self.tasks().wait().await;
    }

    async fn work(self: Arc<Self>) {
        loop {
            let job = self.schedule().next(|| self.now_millis()).await;
            while let Err(error) = self.make(&job).await {
                let reason = &error.detail().message;
                tracing::warn!(
                    update = job.update,
                    reason,
                    "an update of memories could not be made; trying again"
                );
                tokio::time::sleep(TROUBLE).await;
            }
            self.schedule().done(&job);
        }
    }

    /// Makes an update. A fault of the store is an error; one of the model is what the update came to.
    async fn make(&self, job: &Job) -> Result<(), ApiError> {
        let project = &job.project;
        let mut attempt = 0;
        loop {
            let Some((mut update, store)) = self.begin_work(job).await? else { return Ok(()) };
            let outcome = self.changes(project, &store, &update).await?;
            let changes = match outcome {
                Err(fault) if is_transient(&fault) && attempt + 1 < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(PAUSE * attempt).await;
                    continue;
                }
                Err(fault) => {
                    update.status = Status::Failed;
                    update.error = json!({"code": fault.kind.code(), "message": fault.message});
                    Vec::new()
                }
                Ok((changes, result)) => {
                    update.status = Status::Completed;
                    update.result = result;
                    changes
                }
            };
            // What was said is remembered by now; it is kept nowhere else.
            update.items.clear();
            if self.end_work(project, &update, changes).await? {
                return Ok(());
            }
        }
    }

    /// The update as one that is being made, with its store; `None` if there is nothing to do any more.
    async fn begin_work(&self, job: &Job) -> Result<Option<(Update, Store)>, ApiError> {
        let key = kinds::update(&job.project, &job.update);
        let Some(found) = self.store().get(&key).await? else { return Ok(None) };
        let mut update: Update = read(&found)?;
        let Some(stored) = self.store().get(&kinds::store(&job.project, &job.store)).await? else {
            return Ok(None);
        };
        match update.status {
            Status::InProgress => {}
            Status::Queued => {
                update.status = Status::InProgress;
                let change = Change::Replace { key, if_etag: found.etag, doc: document(&update) };
                match self.store().commit(vec![change]).await {
                    Ok(()) => {}
                    // Superseded or deleted at this moment.
                    Err(StoreError::Conflict(_)) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
            Status::Completed | Status::Failed | Status::Superseded => return Ok(None),
        }
        Ok(Some((update, read(&stored)?)))
    }

    /// What an update changes, and what its result tells.
    async fn changes(
        &self,
        project: &Arc<str>,
        store: &Store,
        update: &Update,
    ) -> Result<Result<(Vec<Change>, serde_json::Value), Fault>, ApiError> {
        let known = self.of_scope(project, &update.store, &update.scope).await?;
        let memories: Vec<_> = known.iter().map(|(memory, _)| memory.clone()).collect();
        let said = messages(&update.items);
        let (operations, usage) = match said.is_empty() {
            true => (Vec::new(), Usage::default()),
            false => match self.learn(store, &memories, &said).await {
                Ok(learnt) => learnt,
                Err(fault) => return Ok(Err(fault)),
            },
        };
        let texts = texts(&operations);
        let (vectors, embedding) = match texts.is_empty() {
            true => (Vec::new(), 0),
            false => self.embed(store, &texts).await,
        };
        let made = (operations, vectors);
        let merged = merge(project, store, &update.scope, self.now(), &known, made);
        let mut changes = self.clearing(project, &update.store, &update.scope).await?;
        changes.extend(merged.changes);
        let usage = Usage { embedding, ..usage }.shown();
        Ok(Ok((changes, json!({"memory_operations": merged.told, "usage": usage}))))
    }

    /// Commits what an update came to. Says whether that is settled: where a memory was changed by somebody else
    /// meanwhile, the update has to be made again.
    async fn end_work(
        &self,
        project: &Arc<str>,
        update: &Update,
        mut changes: Vec<Change>,
    ) -> Result<bool, ApiError> {
        let key = kinds::update(project, &update.update_id);
        let Some(found) = self.store().get(&key).await? else { return Ok(true) };
        changes.extend(ended(project, &found, update));
        match self.store().commit(changes).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict(Conflict::Missing(missing) | Conflict::Changed(missing))) => {
                Ok(missing == key)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether another attempt may help.
fn is_transient(fault: &Fault) -> bool {
    matches!(
        fault.kind,
        FaultKind::Unreachable | FaultKind::Timeout | FaultKind::RateLimited | FaultKind::Broken
    )
}
