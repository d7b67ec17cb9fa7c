//! Tools that have to ask somebody else for their functions: all at once before the model is called first, unless
//! the conversation knows them already. What each of them says is recorded.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::{model_call::PartialAnswer, *};
use crate::{Delta, tools::Tool, turn::Listing};

impl Driver {
    /// Whether there are tools that have to be asked, and were not.
    pub(super) fn has_to_list(&self) -> bool {
        self.toolbox.is_none() && !self.unlisted().is_empty()
    }

    /// What a tool has listed, in this turn or earlier in the conversation.
    pub(super) fn listed(&self, tool: usize) -> Option<&Value> {
        let own = self.turn.listings.iter().find(|listing| listing.tool == tool);
        own.map(|listing| &listing.functions).or_else(|| self.known.get(&tool))
    }

    /// Asks the tools that have to be asked; `None` once all have answered.
    pub(super) async fn list_functions(&mut self) -> Option<Result<Action, Leave>> {
        if !self.has_to_list() {
            return None;
        }
        let read = match self.listen_in().await {
            Ok(()) => self.recall_listed().await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            let message = format!("The history could not be read: {error}");
            let fault = TurnFault { code: "server_error".to_owned(), message };
            return Some(self.record(Event::ModelFailed { fault, partial: Answer::default() }).await);
        }
        let mut listings = JoinSet::new();
        for (tool, kind, settings, lists) in self.unlisted() {
            self.tell(Delta::ListingBegan { tool, kind: &kind });
            let said = self.said.clone().unwrap_or_default();
            listings.spawn(list(lists, tool, kind, settings, Arc::clone(&self.key.project), said));
        }
        let mut nothing = PartialAnswer::default();
        while !listings.is_empty() {
            tokio::select! {
                biased;
                Some(Ok(listing)) = listings.join_next() => {
                    match self.record(Event::FunctionsListed { listing }).await {
                        Ok(Action::CallModel) => {}
                        otherwise => return Some(otherwise),
                    }
                }
                interruption = self.interruption() => {
                    if let Some(outcome) = self.interrupted(interruption, &mut nothing).await {
                        return Some(outcome);
                    }
                }
            }
        }
        None
    }

    /// Takes over what the history says.
    async fn recall_listed(&mut self) -> Result<(), StoreError> {
        for (tool, ..) in self.unlisted() {
            if let Some(functions) = self.dialect.listed(&self.key, &self.spec, tool).await? {
                self.known.insert(tool, functions);
            }
        }
        Ok(())
    }

    /// The tools that have to be asked and were not, with their kinds and settings.
    fn unlisted(&self) -> Vec<(usize, String, Value, Arc<dyn Tool>)> {
        let served = self.spec.tools.iter().enumerate().filter_map(|(index, spec)| {
            let ToolSpec::Served { kind, settings } = spec else { return None };
            let tool = self.inner.tools.get(kind).filter(|tool| tool.has_to_list())?;
            let is_known = self.listed(index).is_some();
            (!is_known).then(|| (index, kind.clone(), settings.clone(), Arc::clone(tool)))
        });
        served.collect()
    }
}

/// Asks a tool. Whatever becomes of it is a listing.
async fn list(
    lists: Arc<dyn Tool>,
    tool: usize,
    kind: String,
    settings: Value,
    project: Arc<str>,
    said: Arc<[ChatMessage]>,
) -> Listing {
    let within = lists.timeout();
    let asking = tokio::time::timeout(within, lists.list_for(&project, &settings, &said));
    let fault = |code: &str, message: String| TurnFault { code: code.to_owned(), message };
    let fault = match AssertUnwindSafe(asking).catch_unwind().await {
        Ok(Ok(Ok(functions))) => return Listing { tool, kind, functions, fault: None },
        Ok(Ok(Err(fault))) => fault,
        Ok(Err(_)) => {
            let message = format!(
                "The tool '{kind}' did not say within {} seconds which functions it has.",
                within.as_secs()
            );
            fault("timeout", message)
        }
        Err(_) => {
            tracing::error!(kind, "a tool panicked while it was asked for its functions");
            fault("server_error", "The service failed while it asked a tool for its functions.".to_owned())
        }
    };
    tracing::info!(kind, code = fault.code, message = %fault.message, "a tool could not say which functions it has");
    Listing { tool, kind, functions: Value::Null, fault: Some(fault) }
}
