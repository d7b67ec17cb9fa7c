//! Waits for a run and calls the functions that it asks for.

use std::{collections::HashSet, time::Duration};

use cupola_wire::classic::{RequiredToolCall, Run, RunStatus};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::Runs;
use crate::{Error, FunctionSet, Result};

/// How a run is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessOptions {
    /// How long to wait before the run is looked at again; a second by default.
    pub poll_interval: Duration,
    /// How long to wait in all; half an hour by default.
    pub deadline: Duration,
}

impl Default for ProcessOptions {
    fn default() -> Self {
        Self { poll_interval: Duration::from_secs(1), deadline: Duration::from_secs(30 * 60) }
    }
}

/// The run at its end; an error where there is none within the deadline.
pub(crate) async fn until_ended(
    runs: &Runs,
    mut run: Run,
    functions: &FunctionSet,
    options: &ProcessOptions,
) -> Result<Run> {
    match timeout(options.deadline, attend(runs, &mut run, functions, options.poll_interval)).await {
        Ok(result) => result.map(|()| run),
        Err(_) => Err(too_late(&run, options.deadline)),
    }
}

pub(crate) fn too_late(run: &Run, after: Duration) -> Error {
    Error::Deadline { id: run.id.clone(), status: run.status.as_str().to_owned(), after }
}

async fn attend(runs: &Runs, run: &mut Run, functions: &FunctionSet, pause: Duration) -> Result<()> {
    let mut answered = HashSet::new();
    while !run.status.is_terminal() {
        if run.status == RunStatus::RequiresAction {
            let calls = new_calls(run, &mut answered)?;
            if !calls.is_empty() {
                debug!(run = run.id, calls = calls.len(), "calling functions");
                let outputs = functions.call_all(&calls).await;
                *run = runs.submit_tool_outputs(&run.id, outputs).await?;
                continue;
            }
        }
        sleep(pause).await;
        *run = runs.get(&run.id).await?;
    }
    Ok(())
}

/// The calls that the run waits for and that were not answered yet.
///
/// A replica that lags behind may still show calls whose outputs are on their way: calling a function
/// twice is worse than waiting a little.
pub(crate) fn new_calls(run: &Run, answered: &mut HashSet<String>) -> Result<Vec<RequiredToolCall>> {
    let action = run.required_action.as_ref();
    let calls = action.and_then(|action| action.submit_tool_outputs.as_ref()).map(|calls| &calls.tool_calls);
    match calls {
        Some(calls) if calls.iter().all(|call| call.function.is_some()) => {
            Ok(calls.iter().filter(|call| answered.insert(call.id.clone())).cloned().collect())
        }
        other => Err(Error::ActionNeeded {
            run_id: run.id.clone(),
            kind: other
                .and_then(|calls| calls.iter().find(|call| call.function.is_none()))
                .map(|call| call.kind.clone())
                .or_else(|| action.map(|action| action.kind.clone()))
                .unwrap_or_else(|| "nothing".to_owned()),
        }),
    }
}
