//! `connected_agent`: hands a question to another agent of the project, which answers it in a run of its own.

mod colleagues;
mod settings;
mod shown;

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use serde_json::{Map, Value, json};

use super::{fault, naming::function_name};

pub use colleagues::{Colleagues, Ended, Errand, Report};
use settings::Settings;
pub(crate) use shown::Calls;

/// The tool's kind.
pub const KIND: &str = "connected_agent";
/// How long an answer may take where runs may take longer than that.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// The tool.
pub struct ConnectedAgent {
    colleagues: Arc<dyn Colleagues>,
}

impl ConnectedAgent {
    /// Asks these agents.
    pub fn new(colleagues: Arc<dyn Colleagues>) -> Self {
        Self { colleagues }
    }
}

#[async_trait]
impl Tool for ConnectedAgent {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let settings = Settings::read(settings)?;
        Ok(vec![FunctionDeclaration {
            name: function_name(&settings.name, KIND),
            description: Some(settings.description).filter(|text| !text.is_empty()),
            parameters: json!({
                "type": "object",
                "properties": {"query": {
                    "type": "string",
                    "description": "What the agent is asked. It sees nothing else of this conversation.",
                }},
                "required": ["query"],
                "additionalProperties": false,
            }),
            strict: None,
        }])
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = Settings::read(&call.settings)?;
        let query = query(&call.arguments).ok_or_else(|| {
            fault("invalid_arguments", "'query' has to be a text that is not empty.".to_owned())
        })?;
        let errand = Errand { asked_by: call.turn, call_id: call.call_id, agent: settings.id, query };
        let report = self.colleagues.ask(errand).await?;
        Ok(output(&settings.name, report))
    }

    /// A call that was cut short finds the run that it had begun.
    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        true
    }

    fn timeout(&self) -> std::time::Duration {
        TIMEOUT
    }
}

/// What the model is told, and what there is to show of it.
fn output(name: &str, report: Report) -> ToolOutput {
    let Report { agent, thread, run, ended, usage } = report;
    let text = match ended {
        Ended::Answered(text) if text.is_empty() => format!("The agent '{name}' ended without an answer."),
        Ended::Answered(text) => text,
        Ended::CutShort { said, why } if said.is_empty() => {
            format!("The agent '{name}' did not answer. {why}")
        }
        Ended::CutShort { said, why } => {
            format!("{said}\n[The answer of the agent '{name}' ends here. {why}]")
        }
    };
    let detail = json!({"run_id": run, "thread_id": thread, "assistant_id": agent});
    ToolOutput { text, detail, usage }
}

/// What the agent is to be asked.
fn query(arguments: &Map<String, Value>) -> Option<String> {
    let query = arguments.get("query")?.as_str()?.trim();
    (!query.is_empty()).then(|| query.to_owned())
}

#[cfg(test)]
mod tests;
