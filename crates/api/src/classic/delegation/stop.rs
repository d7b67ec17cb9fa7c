//! Stops a run that nobody waits for any more: because who has asked for it was cancelled, or ran out of time.

use cupola_engine::{CommandError, Engine};
use cupola_store::TurnKey;
use tokio::runtime::Handle;

/// Stops a run when it is dropped.
pub struct StopOnDrop(Option<(Engine, TurnKey)>);

impl StopOnDrop {
    /// Stops this run.
    pub fn of(engine: &Engine, turn: &TurnKey) -> Self {
        Self(Some((engine.clone(), turn.clone())))
    }

    /// The run is over: there is nothing to stop.
    pub fn no_longer(mut self) {
        self.0 = None;
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        // Where the service is being left, the next process goes on with the run and with who has asked for it.
        let Some((engine, turn)) = self.0.take().filter(|(engine, _)| !engine.leaves_running()) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { stop(&engine, &turn).await });
        }
    }
}

/// Stops a run, unless it is over.
pub async fn stop(engine: &Engine, turn: &TurnKey) {
    match engine.cancel(turn.clone()).await {
        Ok(_) | Err(CommandError::Refused(_) | CommandError::Unknown | CommandError::Draining) => {}
        Err(CommandError::Store(error)) => {
            tracing::warn!(%turn, %error, "a run that nobody waits for could not be stopped; it ends by itself");
        }
    }
}
