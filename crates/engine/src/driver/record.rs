//! Writing down: an event and everything that it changes are one commit.

use cupola_store::Conflict;

use super::*;

/// How often a commit is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Once,
    Endless,
}

/// Why an event was not written down.
pub(super) enum Refused {
    Leave(Leave),
    Store(StoreError),
}

impl From<Leave> for Refused {
    fn from(leave: Leave) -> Self {
        Self::Leave(leave)
    }
}

impl Driver {
    /// Records an event and answers whoever asked for it. Unlike what happened by itself, a command is tried
    /// once: who gave it waits, and can give it again.
    pub(super) async fn record_for(&mut self, event: Event, reply: Reply) -> Result<Action, Leave> {
        match self.record_with(event, Patience::Once).await {
            Ok(action) => {
                let _ = reply.send(Ok(self.projection.document()));
                Ok(action)
            }
            Err(Refused::Store(error)) => {
                let _ = reply.send(Err(CommandError::Store(error)));
                Err(Leave::Unwritten)
            }
            Err(Refused::Leave(leave)) => {
                let error =
                    if matches!(leave, Leave::Gone) { CommandError::Unknown } else { CommandError::Draining };
                let _ = reply.send(Err(error));
                Err(leave)
            }
        }
    }

    /// Writes an event down, whatever it takes.
    pub(super) async fn record(&mut self, event: Event) -> Result<Action, Leave> {
        match self.record_with(event, Patience::Endless).await {
            Ok(action) => Ok(action),
            Err(Refused::Leave(leave)) => Err(leave),
            Err(Refused::Store(_)) => Err(Leave::Unwritten),
        }
    }

    /// Writes an event down together with what it changes, then tells whoever listens.
    pub(super) async fn record_with(&mut self, event: Event, patience: Patience) -> Result<Action, Refused> {
        let at = self.inner.clock.now();
        let action = match self.turn.apply(&event) {
            Ok(action) => action,
            Err(refusal) => {
                // Every caller has checked; if one has not, the turn must still not hang.
                tracing::error!(turn = %self.key, ?event, ?refusal, "an event out of place was dropped");
                return Ok(Action::Rest);
            }
        };
        let Changes { changes: caused, frames } =
            self.projection.event(at, &event, &self.turn, self.is_heard());
        let has_ended = matches!(self.turn.phase, Phase::Ended(_));
        if self.holds_back {
            self.pending.extend(caused);
            if has_ended {
                self.write_held_back().await?;
            }
            self.send(frames);
        } else {
            let mut changes = self.take_pending();
            changes.extend(caused);
            changes.push(append(&self.key, self.position, at, &event, &self.turn));
            let frames = self.keep(frames, &mut changes);
            self.commit(changes, patience).await?;
            self.position += 1;
            self.send(frames);
        }
        if has_ended {
            self.place = None;
            self.tell_tools();
            if let Some(ended) = self.ended.take() {
                let _ = ended.send(Ok(self.projection.document()));
                // Whoever waits goes on at once; what is left to do here can wait.
                tokio::task::yield_now().await;
            }
        }
        Ok(action)
    }

    /// Commits everything at the end. Nobody was told that the turn was accepted, so a failure is told
    /// instead of being tried again.
    pub(super) async fn write_held_back(&mut self) -> Result<(), Leave> {
        let changes = self.take_pending();
        if changes.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.inner.store.commit(changes).await {
            tracing::warn!(turn = %self.key, %error, "a turn could not be written at its end");
            if let Some(ended) = self.ended.take() {
                let _ = ended.send(Err(error));
            }
            return Err(Leave::Gone);
        }
        Ok(())
    }

    /// Commits. A turn that was accepted is not lost because a disk is full: what happened to it is written
    /// as soon as it can be.
    pub(super) async fn commit(&mut self, mut batch: Batch, patience: Patience) -> Result<(), Refused> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.inner.store.commit(batch.clone()).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict(Conflict::Changed(key))) if &key == self.projection.key() => {
                    self.rebase(&mut batch).await?;
                }
                Err(StoreError::Conflict(Conflict::Journal(_))) => return Err(Leave::Fenced.into()),
                Err(StoreError::Conflict(conflict)) => {
                    tracing::info!(turn = %self.key, %conflict, "the turn's resources are gone");
                    return Err(Leave::Gone.into());
                }
                Err(error) if patience == Patience::Once => return Err(Refused::Store(error)),
                Err(error) => {
                    tracing::error!(turn = %self.key, %error, ?pause, "an event could not be written; trying again");
                    self.pause(pause).await?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Lets changes wait for the next commit, but not for long.
    pub(super) fn write_soon(&mut self, changes: Batch) {
        if !changes.is_empty() {
            self.pending.extend(changes);
            self.due_soon();
        }
    }

    pub(super) fn due_soon(&mut self) {
        if !self.holds_back {
            self.pending_due.get_or_insert_with(|| Instant::now() + WRITE_WITHIN);
        }
    }

    pub(super) fn take_pending(&mut self) -> Batch {
        self.pending_due = None;
        std::mem::take(&mut self.pending)
    }

    /// Writes the changes that wait. Not waited for: what follows is committed after it, and conflicts are
    /// settled there.
    pub(super) fn write_pending(&mut self) {
        let changes = self.take_pending();
        if !changes.is_empty() {
            drop(self.inner.store.submit(changes));
        }
    }

    /// Takes over what somebody else changed in the resource that shows the turn.
    pub(super) async fn rebase(&mut self, batch: &mut Batch) -> Result<(), Leave> {
        let current = match self.inner.store.get(self.projection.key()).await {
            Ok(Some(current)) => current,
            Ok(None) => return Err(Leave::Gone),
            Err(error) => {
                tracing::error!(turn = %self.key, %error, "the turn's resource could not be read; trying again");
                return self.pause(FIRST_PAUSE).await;
            }
        };
        let rebased = self.projection.rebase(&current).map_err(|error| {
            tracing::error!(turn = %self.key, %error, "the turn's resource is damaged");
            Leave::Gone
        })?;
        let key = self.projection.key();
        // Of several versions of the resource only the last one counts.
        let is_version =
            |change: &Change| matches!(change, Change::Replace { key: replaced, .. } if replaced == key);
        let last = batch.iter().rposition(is_version);
        let mut place = 0;
        batch.retain_mut(|change| {
            let here = place;
            place += 1;
            if Some(here) == last {
                *change = rebased.clone();
            }
            Some(here) == last || !is_version(change)
        });
        Ok(())
    }

    pub(super) async fn pause(&mut self, pause: Duration) -> Result<(), Leave> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            _ = self.draining.wait_for(|drain| *drain == Drain::LeaveRunning) => Err(Leave::Draining),
        }
    }
}
