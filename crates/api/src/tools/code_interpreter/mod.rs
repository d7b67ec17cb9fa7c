//! `code_interpreter`: Python in a container that belongs to the conversation, or that the client names.

mod publish;
mod ran;
mod settings;
mod shown;
mod spelled;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use serde_json::{Map, Value, json};

use super::{fault, read_settings};
use crate::containers::{Code, Containers};
use ran::Ran;
use settings::{Container, Settings};

pub(crate) use settings::{auto, auto_id};
pub(crate) use shown::Calls;
pub(crate) use spelled::Spelled;

/// The tool's kind, and the name of its function.
pub const KIND: &str = "code_interpreter";
/// The argument that holds the code.
pub(crate) const CODE: &str = "code";
/// The most bytes of what code writes that are kept.
const MOST_LOGS: usize = 64 * 1024;
/// How long a call may take beside the code itself: a place may have to become free, an interpreter be started,
/// and files be copied.
const AROUND: Duration = Duration::from_secs(180);
const DESCRIPTION: &str = "Runs Python and gives what it writes, with the value of the last line, as a notebook does. \
    Variables and files stay for later calls. numpy, pandas, matplotlib, scipy, openpyxl, pillow and others are \
    installed; there is no network. Files are in /mnt/data, which is the working directory. Figures are shown to the \
    user without plt.show(). To give the user a file, write it there and link to it in your answer: \
    [name](sandbox:/mnt/data/name).";

/// The tool.
pub struct CodeInterpreter {
    containers: Arc<Containers>,
}

impl CodeInterpreter {
    /// Runs code in these containers.
    pub fn new(containers: Arc<Containers>) -> Self {
        Self { containers }
    }
}

#[async_trait]
impl Tool for CodeInterpreter {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        read(settings)?;
        self.containers.check().map_err(|error| fault(error.code(), error.to_string()))?;
        // The model will probably run code, and by then an interpreter should be ready.
        self.containers.interpreters().expect();
        Ok(vec![FunctionDeclaration {
            name: KIND.to_owned(),
            description: Some(DESCRIPTION.to_owned()),
            parameters: json!({
                "type": "object",
                "properties": {CODE: {"type": "string", "description": "The Python code to run."}},
                "required": [CODE],
                "additionalProperties": false,
            }),
            strict: None,
        }])
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = read(&call.settings)?;
        let code = code(&call.arguments)
            .ok_or_else(|| fault("invalid_arguments", "'code' has to be a text with the code to run."))?;
        let container = settings
            .container_id()
            .ok_or_else(|| fault("invalid_value", "There is no container in which the code could run."))?;
        let auto = match &settings.container {
            Some(Container::Auto(auto)) => Some(auto),
            _ => None,
        };
        let order = Code {
            code: code.to_owned(),
            uploaded: auto.and_then(|auto| auto.file_ids.clone()).unwrap_or_default(),
            memory_limit: auto.and_then(|auto| auto.memory_limit.clone()),
            makes_container: auto.is_some(),
            limit: call.room.min(MOST_LOGS),
        };
        let project = &call.turn.project;
        let ran = self.containers.run(project, container, order).await;
        let ran = ran.map_err(|error| fault(error.code(), error.to_string()))?;
        let seconds = self.containers.settings().timeout.as_secs();
        let (mut kept, text) = Ran::told(call.ordinal, container, &ran, seconds);
        if settings.publishes {
            let published = publish::publish(&self.containers, project, &ran.written, &mut kept).await;
            published.map_err(|error| fault("server_error", error.to_string()))?;
        }
        // What came of it is texts and numbers: writing it as JSON can't fail.
        let detail = serde_json::to_value(kept).unwrap_or_default();
        Ok(ToolOutput { text, detail, ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        false
    }

    fn timeout(&self) -> Duration {
        self.containers.settings().timeout + AROUND
    }
}

fn read(settings: &Value) -> Result<Settings, TurnFault> {
    read_settings(KIND, settings)
}

/// The code that is to run. Models also call it by other names.
fn code(arguments: &Map<String, Value>) -> Option<&str> {
    [CODE, "input", "python"].into_iter().find_map(|name| arguments.get(name)?.as_str())
}
