//! `azure_function`: a function that is called over two storage queues, one for questions and one for answers.

mod shown;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use cupola_tools::{
    machine_identity::MachineIdentity,
    outgoing::Outgoing,
    queue::{Access, NoAnswer, Queue, QueueFailure, call},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

pub(crate) use shown::CALLS;

use super::{fault, read_settings};
use crate::connections::Keyring;

/// The tool's kind.
pub const KIND: &str = "azure_function";
/// How long is waited for an answer: functions may have to be started first.
const WITHIN: Duration = Duration::from_secs(90);
/// Whom tokens for storage accounts are for.
const STORAGE: &str = "https://storage.azure.com";

/// The tool.
pub struct AzureFunction {
    outgoing: Outgoing,
    keyring: Keyring,
    identity: MachineIdentity,
}

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    function: Function,
    input_binding: Binding,
    output_binding: Binding,
}

#[derive(Clone, Debug, Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Value,
}

#[derive(Clone, Debug, Deserialize)]
struct Binding {
    storage_queue: StorageQueue,
}

#[derive(Clone, Debug, Deserialize)]
struct StorageQueue {
    queue_service_endpoint: Url,
    queue_name: String,
}

impl AzureFunction {
    /// Reaches queues through this client, with keys of these connections or with this identity.
    pub fn new(outgoing: Outgoing, keyring: Keyring, identity: MachineIdentity) -> Self {
        Self { outgoing, keyring, identity }
    }

    async fn queue(&self, project: &Arc<str>, binding: &Binding) -> Result<Queue, TurnFault> {
        let StorageQueue { queue_service_endpoint: endpoint, queue_name } = &binding.storage_queue;
        let access = self.access(project, endpoint).await?;
        Ok(Queue::new(self.outgoing.clone(), endpoint, queue_name, access))
    }

    /// What lets in at this account: the connection whose target it is, else the identity of the machine.
    async fn access(&self, project: &Arc<str>, endpoint: &Url) -> Result<Access, TurnFault> {
        let connection = self.keyring.find_at(project, endpoint).await;
        let connection = connection.map_err(|error| fault("server_error", &error.detail().message))?;
        let Some(connection) = connection.filter(|connection| !connection.secrets.is_empty()) else {
            let token = self.identity.token(STORAGE).await;
            return token.map(Access::Token).map_err(|refusal| {
                let message =
                    format!("There is no connection with a key whose target is '{endpoint}'. {refusal}");
                fault("missing_credentials", message)
            });
        };
        let mut secrets = connection.secrets.values();
        secrets.find_map(|secret| Access::from_secret(secret.expose(), endpoint)).ok_or_else(|| {
            let name = &connection.connection.name;
            let message = format!(
                "The connection '{name}' holds neither a connection string, nor a signature, nor a key for \
                 '{endpoint}'."
            );
            fault("missing_credentials", message)
        })
    }
}

#[async_trait]
impl Tool for AzureFunction {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let Function { name, description, parameters } = read(settings)?.function;
        let parameters = match parameters {
            Value::Null => json!({"type": "object", "properties": {}}),
            parameters => parameters,
        };
        Ok(vec![FunctionDeclaration { name, description, parameters, strict: None }])
    }

    async fn call(&self, asked: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = read(&asked.settings)?;
        let project = &asked.turn.project;
        let input = self.queue(project, &settings.input_binding).await?;
        let output = self.queue(project, &settings.output_binding).await?;
        let id = format!("{}.{}", asked.turn, asked.ordinal);
        let answer = call(&input, &output, &id, &asked.arguments, WITHIN).await;
        let text = answer.map_err(|refusal| fault(code(&refusal), refusal.to_string()))?;
        Ok(ToolOutput { text, ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        false
    }
}

fn code(refusal: &NoAnswer) -> &'static str {
    match refusal {
        NoAnswer::TooSlow(_) => "timeout",
        NoAnswer::Failed(QueueFailure::Failed(failure)) => failure.code(),
        NoAnswer::Failed(QueueFailure::Refused { .. }) => "http_error",
        NoAnswer::Failed(QueueFailure::TooLong(_)) => "invalid_arguments",
        NoAnswer::Failed(QueueFailure::BadKey) => "missing_credentials",
    }
}

/// Runs give the definition itself, responses the tool around it.
fn read(settings: &Value) -> Result<Settings, TurnFault> {
    let definition = settings.get(KIND).filter(|inner| inner.is_object()).unwrap_or(settings);
    read_settings(KIND, definition)
}
