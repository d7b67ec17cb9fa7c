//! Calls of tools that the service runs: all calls of an answer at once, each recorded when it is done.

use std::panic::AssertUnwindSafe;

use cupola_models::RequestedCall;
use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::{model_call::PartialAnswer, *};
use crate::{
    Delta,
    tools::{Progress, Told, Tool, ToolCall, ToolOutput},
    turn::{CallOutcome, ServedCall},
};

/// Which part of a model's window the outputs of one answer's calls may fill.
const SHARE_OF_WINDOW: u64 = 4;
/// What a token is taken for where there is nothing to count yet.
const BYTES_PER_TOKEN: u64 = 3;

/// Calls that are under way. They end when this is dropped.
struct Calls {
    running: JoinSet<CallOutcome>,
    progress: mpsc::UnboundedReceiver<Told>,
    /// Kept so that `progress` does not end before the calls do.
    told: mpsc::UnboundedSender<Told>,
}

impl Driver {
    /// Runs the calls that are not done, until the last of them is, or something ends them early.
    pub(super) async fn run_tools(&mut self) -> Result<Action, Leave> {
        // Calls that were approved come before everything else.
        if self.turn.answers == 0
            && let Some(outcome) = self.begin_work().await
        {
            return outcome;
        }
        let mut calls = self.start_calls();
        let mut nothing = PartialAnswer::default();
        loop {
            tokio::select! {
                biased;
                Some(Told { call_id, detail }) = calls.progress.recv() => {
                    self.tell(Delta::Progress { call_id: &call_id, detail: &detail });
                }
                Some(Ok(outcome)) = calls.running.join_next() => {
                    match self.record(Event::ToolCompleted { outcome }).await? {
                        Action::RunTools => {}
                        next => return Ok(next),
                    }
                }
                interruption = self.interruption() => {
                    if let Some(outcome) = self.interrupted(interruption, &mut nothing).await {
                        return outcome;
                    }
                }
            }
        }
    }

    fn start_calls(&mut self) -> Calls {
        let (told, progress) = mpsc::unbounded_channel();
        let mut calls = Calls { running: JoinSet::new(), progress, told };
        let was_cut_short = std::mem::take(&mut self.cut_short);
        let Phase::Running { served, done, .. } = &self.turn.phase else { return calls };
        let before = self.turn.tool_calls - served.len() as u64;
        let room = self.room(served.len());
        for (ordinal, call) in (before..).zip(served) {
            if done.iter().any(|output| output.call_id == call.call_id) {
                continue;
            }
            let call_id = call.call_id.clone();
            match self.ready_call(call, ordinal, room, was_cut_short, &calls.told) {
                Ok((tool, call)) => calls.running.spawn(perform(tool, call)),
                Err(fault) => calls.running.spawn(async { failed(call_id, fault) }),
            };
        }
        calls
    }

    /// A call with everything that it needs, or why it is not made.
    fn ready_call(
        &self,
        call: &ServedCall,
        ordinal: u64,
        room: usize,
        was_cut_short: bool,
        told: &mpsc::UnboundedSender<Told>,
    ) -> Result<(Arc<dyn Tool>, ToolCall), TurnFault> {
        let asked = self.turn.asked_last().iter().find(|asked| asked.id == call.call_id);
        let asked = asked.ok_or_else(|| fault("unknown_function", "There is no such call.".to_owned()))?;
        let spec = call.tool.and_then(|tool| self.spec.tools.get(tool));
        let Some(ToolSpec::Served { kind, settings }) = spec else { return Err(self.unknown(asked)) };
        let Some(tool) = self.inner.tools.get(kind) else { return Err(self.unknown(asked)) };
        if self.spec.max_tool_calls.is_some_and(|most| ordinal >= most) {
            let message = "It was not made: this response may not make any more calls of tools.";
            return Err(fault("max_tool_calls", message.to_owned()));
        }
        if was_cut_short && !tool.is_repeatable(&call.function, settings) {
            let message = "The service was interrupted while the call was under way. Nobody knows whether it \
                           was carried out, so it was not made again.";
            return Err(fault("interrupted", message.to_owned()));
        }
        let call = ToolCall {
            turn: self.key.clone(),
            call_id: call.call_id.clone(),
            ordinal,
            function: call.function.clone(),
            arguments: arguments(asked)?,
            settings: settings.clone(),
            grant: call.grant.clone(),
            room: room.min(tool.output_limit()),
            progress: Progress::new(&call.call_id, told.clone()),
        };
        Ok((Arc::clone(tool), call))
    }

    fn unknown(&self, asked: &RequestedCall) -> TurnFault {
        let (offered, _) = self.offer();
        let names: Vec<_> = offered.iter().map(|function| function.name.as_str()).collect();
        let message = format!("There is no function '{}'. There are: {}.", asked.name, names.join(", "));
        fault("unknown_function", message)
    }

    /// How many bytes each of so many outputs may have, so that the model has room for the rest.
    fn room(&self, calls: usize) -> usize {
        let resolved = self.inner.deployments.resolve(&self.spec.deployment);
        let tokens = resolved.map_or(u64::MAX / BYTES_PER_TOKEN, |resolved| resolved.context_tokens);
        let bytes = tokens / SHARE_OF_WINDOW * BYTES_PER_TOKEN / (calls.max(1) as u64);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// Makes a call. Whatever becomes of it is an outcome.
async fn perform(tool: Arc<dyn Tool>, call: ToolCall) -> CallOutcome {
    let (call_id, within) = (call.call_id.clone(), tool.timeout());
    let (turn, function) = (call.turn.clone(), call.function.clone());
    let outcome = AssertUnwindSafe(tokio::time::timeout(within, tool.call(call))).catch_unwind().await;
    let fault = match outcome {
        Ok(Ok(Ok(ToolOutput { text, detail, usage }))) => {
            let output = within_limit(text, tool.output_limit());
            return CallOutcome { call_id, output, detail, fault: None, usage };
        }
        Ok(Ok(Err(fault))) => fault,
        Ok(Err(_)) => fault("timeout", format!("There was no answer within {} seconds.", within.as_secs())),
        Err(_) => {
            tracing::error!(%turn, %call_id, %function, "a call of a tool panicked; the model is told that it failed");
            fault("server_error", "The service failed while it made the call.".to_owned())
        }
    };
    tracing::info!(%turn, %call_id, %function, code = fault.code, message = %fault.message, "a call of a tool failed");
    failed(call_id, fault)
}

/// An outcome that tells the model what went wrong, so that it may try something else.
fn failed(call_id: String, fault: TurnFault) -> CallOutcome {
    let output = format!("The call failed. {}", fault.message);
    CallOutcome { call_id, output, fault: Some(fault), ..CallOutcome::default() }
}

fn fault(code: &str, message: String) -> TurnFault {
    TurnFault { code: code.to_owned(), message }
}

/// The arguments of a call, which have to be a JSON object. Some models write nothing where there are none.
fn arguments(asked: &RequestedCall) -> Result<Map<String, Value>, TurnFault> {
    match asked.arguments.trim() {
        "" => Ok(Map::new()),
        text => serde_json::from_str(text).map_err(|error| {
            let message = format!("The arguments have to be a JSON object, but are not: {error}.");
            fault("invalid_arguments", message)
        }),
    }
}

/// A text of at most so many bytes; where it is cut, it says so.
fn within_limit(mut text: String, limit: usize) -> String {
    let whole = text.len();
    if whole > limit {
        text.truncate(text.floor_char_boundary(limit));
        text.push_str(&format!(
            "\n[The output is cut here: it has {whole} bytes, of which {limit} are given.]"
        ));
    }
    text
}
