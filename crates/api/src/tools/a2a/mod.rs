//! `a2a_preview` and `a2a`: agents elsewhere that speak A2A, and agents of this service, which are asked without a
//! detour.

mod found;
mod inside;
mod own;
mod place;
mod settings;
mod shown;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use cupola_tools::{
    a2a::{Heard, Question, State},
    outgoing::Outgoing,
};
use serde_json::{Map, Value, json};

use self::found::{Finder, Found};
pub use own::Own;
use settings::Settings;
pub(crate) use shown::CALLS;

use super::fault;
use crate::{connections::Keyring, service::LateService};

/// The tool's kind, and its kind before it was done.
pub const KIND: &str = "a2a";
/// The tool's kind where it is a preview.
pub const PREVIEW: &str = "a2a_preview";
/// How long the end of a task is waited for. The call itself may take a little longer, so that it says so itself.
const WITHIN: Duration = Duration::from_secs(600);
const TIMEOUT: Duration = Duration::from_secs(610);
/// What the model is told where an agent says nothing of itself.
const DESCRIPTION: &str = "Asks another agent. It sees nothing of this conversation but the message.";

/// The tool.
pub struct A2a {
    finder: Finder,
}

impl A2a {
    /// Asks agents that can be reached so. `own` are the addresses of this service.
    pub fn new(outgoing: Outgoing, own: Own, keyring: Keyring, service: Arc<LateService>) -> Self {
        Self { finder: Finder::new(outgoing, own, keyring, service) }
    }
}

#[async_trait]
impl Tool for A2a {
    async fn functions(
        &self,
        project: &Arc<str>,
        settings: &Value,
    ) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let settings = Settings::read(settings)?;
        // An agent that can't be found now may be there when it is asked; what is wrong is told then.
        let found = self.finder.find(project, &settings).await.ok();
        let described = found.as_deref().and_then(Found::description);
        Ok(vec![FunctionDeclaration {
            name: settings.function_name(found.as_deref()),
            description: Some(
                described.map_or_else(|| DESCRIPTION.to_owned(), |d| format!("{DESCRIPTION} {d}")),
            ),
            parameters: json!({
                "type": "object",
                "properties": {"message": {
                    "type": "string",
                    "description": "What the agent is asked, with everything that it has to know.",
                }},
                "required": ["message"],
                "additionalProperties": false,
            }),
            strict: None,
        }])
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = Settings::read(&call.settings)?;
        let message = message(&call.arguments).ok_or_else(|| {
            fault("invalid_arguments", "'message' has to be a text that is not empty.".to_owned())
        })?;
        let project = &call.turn.project;
        let found = self.finder.find(project, &settings).await?;
        let question =
            Question { id: format!("{}-{}", call.turn.id, call.call_id), text: message, within: WITHIN };
        let heard = match &*found {
            Found::Elsewhere(agent) => {
                agent.ask(&question).await.map_err(|failure| fault(failure.code(), failure.to_string()))?
            }
            Found::Inside { agent, .. } => {
                let lineage = settings.lineage.with(agent)?;
                let service = self.finder.service().await?;
                inside::ask(service, project, agent, &lineage, &question).await?
            }
        };
        answer(&settings.function_name(Some(&found)), &heard)
    }

    /// Nobody knows what another agent has done already.
    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        false
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}

/// What the model is told.
fn answer(name: &str, heard: &Heard) -> Result<ToolOutput, TurnFault> {
    let said = heard.text();
    let why = |what: &str| match heard.remark() {
        Some(remark) => format!("The agent '{name}' {what}: {remark}"),
        None if said.trim().is_empty() => format!("The agent '{name}' {what}."),
        None => format!("The agent '{name}' {what}. It had said: {said}"),
    };
    let text = match heard.state {
        Some(State::Failed) => return Err(fault("agent_failed", why("failed"))),
        Some(State::Rejected) => return Err(fault("agent_failed", why("does not want to do that"))),
        Some(State::Canceled) => return Err(fault("agent_failed", why("was stopped"))),
        Some(State::AuthRequired) => {
            let what = "wants credentials that the tool's connection does not hold";
            return Err(fault("unauthorized", why(what)));
        }
        Some(State::InputRequired) => {
            format!(
                "The agent '{name}' wants to know more before it goes on: {said}\nAsk it again with all of it."
            )
        }
        _ if said.trim().is_empty() => format!("The agent '{name}' ended without an answer."),
        _ => said,
    };
    Ok(ToolOutput { text, detail: json!({"task": heard.task}), ..ToolOutput::default() })
}

fn message(arguments: &Map<String, Value>) -> Option<String> {
    let message = arguments.get("message")?.as_str()?.trim();
    (!message.is_empty()).then(|| message.to_owned())
}

#[cfg(test)]
mod tests;
