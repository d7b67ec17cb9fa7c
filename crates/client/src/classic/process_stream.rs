//! One stream of events over the whole run, with functions called and outputs submitted in between.

use std::collections::HashSet;

use cupola_wire::classic::{Run, RunStatus};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout};

use super::{
    AgentEvent, EventStream, ProcessOptions, Runs,
    process::{new_calls, too_late},
};
use crate::{Error, FunctionSet, Result};

/// A run that is read event by event.
struct Chain {
    runs: Runs,
    functions: FunctionSet,
    options: ProcessOptions,
    started: Instant,
    events: EventStream,
    /// The run as the last event showed it.
    run: Option<Run>,
    answered: HashSet<String>,
    over: bool,
}

/// The events of `events`, then those of each submission that the run asks for.
pub(crate) fn chained(
    runs: Runs,
    events: EventStream,
    functions: FunctionSet,
    options: &ProcessOptions,
) -> EventStream {
    let chain = Chain {
        runs,
        functions,
        started: Instant::now(),
        options: options.clone(),
        events,
        run: None,
        answered: HashSet::new(),
        over: false,
    };
    stream::unfold(chain, |mut chain| async move {
        if chain.over {
            return None;
        }
        let left = chain.options.deadline.saturating_sub(chain.started.elapsed());
        let item = match timeout(left, chain.next()).await {
            Ok(item) => item?,
            Err(_) => Err(chain.too_late()),
        };
        chain.over = matches!(item, Err(_) | Ok(AgentEvent::Done));
        Some((item, chain))
    })
    .boxed()
}

impl Chain {
    async fn next(&mut self) -> Option<Result<AgentEvent>> {
        loop {
            let event = match self.events.next().await {
                // A run that waits for outputs is not done: its stream goes on after the submission.
                None | Some(Ok(AgentEvent::Done)) if self.waits() => match self.submit().await {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                },
                other => other?,
            };
            if let Some(run) = event.as_ref().ok().and_then(AgentEvent::run) {
                self.run = Some(run.clone());
            }
            return Some(event);
        }
    }

    fn waits(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.status == RunStatus::RequiresAction)
    }

    async fn submit(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let calls = new_calls(run, &mut self.answered)?;
        if calls.is_empty() {
            let message = format!("run {} asks again for calls that were answered", run.id);
            return Err(Error::StreamEnded(message));
        }
        let outputs = self.functions.call_all(&calls).await;
        self.events = self.runs.submit_stream(&run.id, outputs).await?;
        run.status = RunStatus::Queued;
        Ok(())
    }

    fn too_late(&self) -> Error {
        match &self.run {
            Some(run) => too_late(run, self.options.deadline),
            None => Error::StreamEnded(format!("no event within {:?}", self.options.deadline)),
        }
    }
}
