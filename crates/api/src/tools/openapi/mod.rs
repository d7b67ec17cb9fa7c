//! `openapi`: the operations of a service, from the document that describes it. Each is a function.

mod check;
mod settings;
mod shown;

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use cupola_tools::{
    machine_identity::MachineIdentity,
    openapi::{Credential, Document, told},
    outgoing::Outgoing,
};
use serde_json::Value;

pub(crate) use check::check;
use settings::{Auth, Settings};
pub(crate) use shown::CALLS;

use super::{fault, read_settings};
use crate::connections::Keyring;

/// The tool's kind.
pub const KIND: &str = "openapi";
/// How much of an answer that refuses a call is told.
const LONGEST_REFUSAL: usize = 4 * 1024;

/// The tool.
pub struct OpenApi {
    outgoing: Outgoing,
    keyring: Keyring,
    identity: MachineIdentity,
}

impl OpenApi {
    /// Calls services through this client, with keys of these connections or with this identity.
    pub fn new(outgoing: Outgoing, keyring: Keyring, identity: MachineIdentity) -> Self {
        Self { outgoing, keyring, identity }
    }

    async fn credential(&self, project: &Arc<str>, auth: &Auth) -> Result<Credential, TurnFault> {
        match auth {
            Auth::Anonymous => Ok(Credential::Anonymous),
            Auth::Connection { security_scheme } => {
                let connection = self.keyring.find(project, &security_scheme.connection_id).await;
                let connection =
                    connection.map_err(|error| fault("server_error", &error.detail().message))?;
                let connection = connection.ok_or_else(|| no_connection(&security_scheme.connection_id))?;
                let keys = connection.secrets.iter();
                let keys = keys.map(|(name, secret)| (name.clone(), secret.expose().to_owned()));
                Ok(Credential::Keys(keys.collect()))
            }
            Auth::ManagedIdentity { security_scheme } => {
                let token = self.identity.token(&security_scheme.audience).await;
                let token = token.map_err(|refusal| fault("missing_credentials", refusal.to_string()))?;
                Ok(Credential::Token(token))
            }
        }
    }
}

#[async_trait]
impl Tool for OpenApi {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let settings = read(settings)?;
        let operations = Document::read(&settings.spec).and_then(|document| document.operations());
        let operations = operations.map_err(|flaw| {
            fault("invalid_value", format!("The document of the tool '{}': {flaw}", settings.name))
        })?;
        let functions = operations.iter().map(|operation| FunctionDeclaration {
            name: settings.function(operation.id()),
            description: operation.description().or_else(|| settings.description.clone()),
            parameters: operation.arguments(settings.fixed()),
            strict: None,
        });
        Ok(functions.collect())
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = read(&call.settings)?;
        let document =
            Document::read(&settings.spec).map_err(|flaw| fault("invalid_value", flaw.to_string()))?;
        let operation = settings.operation(&call.function).and_then(|id| document.operation(id));
        let operation = operation.ok_or_else(|| fault("unknown_function", "There is no such operation."))?;
        let operation = operation.map_err(|flaw| fault("invalid_value", flaw.to_string()))?;
        let credential = self.credential(&call.turn.project, &settings.auth).await?;
        let request = operation.request(&call.arguments, settings.fixed(), &credential);
        let request = request.map_err(|refusal| fault(refusal.code(), refusal.to_string()))?;
        let answer = self.outgoing.send(request.limit(call.room)).await;
        let answer = answer.map_err(|failure| fault(failure.code(), failure.to_string()))?;
        let told = told(answer, &credential).await;
        let mut told = told.map_err(|failure| fault(failure.code(), failure.to_string()))?;
        if told.status.is_success() {
            return Ok(ToolOutput { text: told.text, ..ToolOutput::default() });
        }
        told.text.truncate(told.text.floor_char_boundary(LONGEST_REFUSAL));
        Err(fault("http_error", format!("The service answered {}:\n{}", told.status, told.text)))
    }

    fn is_repeatable(&self, function: &str, settings: &Value) -> bool {
        let Ok(settings) = read(settings) else { return false };
        let Ok(document) = Document::read(&settings.spec) else { return false };
        let operation = settings.operation(function).and_then(|id| document.operation(id));
        operation.is_some_and(|operation| operation.is_ok_and(|operation| operation.only_asks()))
    }
}

fn read(settings: &Value) -> Result<Settings, TurnFault> {
    read_settings(KIND, settings::definition(settings))
}

fn no_connection(name: &str) -> TurnFault {
    let message = format!("There is no connection '{name}'. Whoever runs the service can make it.");
    fault("missing_credentials", message)
}
