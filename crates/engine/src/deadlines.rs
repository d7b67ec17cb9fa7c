//! The deadlines of turns that wait for their client. A turn that waits is not in memory; one task sleeps
//! until the first of them has waited long enough.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::engine::{Command, Drain, Inner};

/// The longest sleep: the system's clock may be set forward meanwhile.
const SWEEP: Duration = Duration::from_secs(60);

/// Wakes turns whose time is over, until the engine is gone.
pub async fn watch_deadlines(engine: Weak<Inner>) {
    loop {
        let Some(inner) = engine.upgrade() else { return };
        if *inner.draining.borrow() != Drain::No {
            return;
        }
        let sleep = match wake_overdue(&inner).await {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::warn!(%error, "the deadlines could not be read; trying again later");
                SWEEP
            }
        };
        let mut draining = inner.draining.subscribe();
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = inner.deadline_changed.notified() => {}
            _ = draining.changed() => {}
        }
    }
}

async fn wake_overdue(inner: &Arc<Inner>) -> Result<Duration, cupola_store::StoreError> {
    let now = inner.clock.now();
    for turn in inner.store.overdue_turns(now).await? {
        inner.send(turn, Command::CheckDeadline);
    }
    let next = inner.store.next_deadline().await?;
    let wait = next.map(|next| Duration::from_millis(u64::try_from(next - now).unwrap_or(0)));
    // What was just woken may still be on its way out of the table: look again in a moment, not at once.
    Ok(wait.map_or(SWEEP, |wait| wait.clamp(Duration::from_millis(100), SWEEP)))
}
