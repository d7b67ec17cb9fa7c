//! `mcp`: the tools of a server that speaks the Model Context Protocol, each a function for the model.

mod declared;
mod sealed;
mod settings;
mod shown;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_engine::{
    tools::{Offer, Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_identity::SealingKey;
use cupola_models::FunctionDeclaration;
use cupola_tools::mcp::{Client, Failure, Listed, Outcome, Server};
use serde_json::{Map, Value, json};
use url::Url;

pub use sealed::{SEALED, seal};
pub(crate) use shown::{Calls, words};

use super::fault;
use crate::connections::{ConfiguredConnection, Keyring};
use declared::declaration;
pub use declared::name as function_name;
use sealed::bearer;
use settings::Settings;

/// The tool's kind.
pub const KIND: &str = "mcp";
/// The type of the items that show what a server has.
pub const LIST: &str = "mcp_list_tools";
/// The type of the items that ask for an approval.
pub const REQUEST: &str = "mcp_approval_request";
/// The type of the items that answer them.
pub const RESPONSE: &str = "mcp_approval_response";
/// Where a call that was approved says by which request.
pub const APPROVAL: &str = "approval_request_id";
/// The codes of faults: what a tool says of its own failure, …
const TOOL_ERROR: &str = "tool_error";
/// … a status of HTTP, …
const HTTP: &str = "http_";
/// … or an error of the protocol.
const PROTOCOL: &str = "rpc_";
/// The most bytes of what a tool says of its own failure.
const MOST_OF_FAILURE: usize = 8 * 1024;

/// The tool.
pub struct Mcp {
    client: Client,
    keyring: Keyring,
    sealing: Arc<SealingKey>,
}

impl Mcp {
    /// Asks servers with this client, and tells them what connections hold.
    pub fn new(client: Client, keyring: Keyring, sealing: Arc<SealingKey>) -> Self {
        Self { client, keyring, sealing }
    }

    /// Whom these settings mean. `more` may hold further headers.
    async fn server(
        &self,
        project: &Arc<str>,
        settings: &Settings,
        given: &Value,
        more: &Value,
    ) -> Result<Server, TurnFault> {
        let connection = match settings.project_connection_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => Some(self.connection(project, id).await?),
            None => None,
        };
        let target = connection.as_ref().map(|connection| connection.connection.target.as_str());
        let address = settings.server_url.as_deref().or(target).filter(|url| !url.is_empty());
        let address = address.ok_or_else(|| {
            let label = &settings.server_label;
            let message =
                format!("The MCP server '{label}' has no address: set server_url, or a connection.");
            fault("invalid_value", message)
        })?;
        let url: Url = address.parse().map_err(|error| {
            let label = &settings.server_label;
            fault("invalid_value", format!("The address of the MCP server '{label}' is none: {error}."))
        })?;
        let mut server = Server::new(project.as_ref(), url);
        for (name, value) in connection.iter().flat_map(as_headers) {
            server = server.with_header(&name, value);
        }
        for told in [given, more] {
            for (name, value) in sealed::headers(&self.sealing, project, told, address)? {
                server = server.with_header(&name, value);
            }
        }
        Ok(server)
    }

    async fn connection(&self, project: &Arc<str>, id: &str) -> Result<ConfiguredConnection, TurnFault> {
        let found = self.keyring.find(project, id).await;
        let found = found.map_err(|error| fault("server_error", error.detail().message.clone()))?;
        found.ok_or_else(|| {
            fault("not_found", format!("The connection '{id}' (project_connection_id) does not exist."))
        })
    }
}

/// What a connection says to a server: its keys are headers, and a key without a name is a token.
fn as_headers(connection: &ConfiguredConnection) -> Vec<(String, String)> {
    let secrets = connection.secrets.iter();
    match connection.connection.credential_type.as_str() {
        "ApiKey" => secrets.map(|(_, key)| ("authorization".to_owned(), bearer(key.expose()))).collect(),
        "CustomKeys" => secrets.map(|(name, key)| (name.clone(), key.expose().to_owned())).collect(),
        _ => Vec::new(),
    }
}

#[async_trait]
impl Tool for Mcp {
    async fn functions(&self, _: &Arc<str>, _: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        // What there is, the server says.
        Ok(Vec::new())
    }

    fn has_to_list(&self) -> bool {
        true
    }

    async fn list(&self, project: &Arc<str>, given: &Value) -> Result<Value, TurnFault> {
        let settings = Settings::read(given)?;
        let not_listed = |fault: TurnFault| {
            let label = &settings.server_label;
            let message = format!("Error retrieving tool list from MCP server: '{label}'. {}", fault.message);
            TurnFault { code: "mcp_list_failed".to_owned(), message }
        };
        let server = self.server(project, &settings, given, &Value::Null).await.map_err(not_listed)?;
        let listed = self.client.list(&server, &settings.wanted()).await;
        let tools = listed.map_err(|failure| not_listed(of(&failure)))?;
        Ok(json!({ "tools": tools.as_ref() }))
    }

    async fn offers(&self, _: &Arc<str>, given: &Value, listed: &Value) -> Result<Vec<Offer>, TurnFault> {
        let settings = Settings::read(given)?;
        let wanted = settings.wanted();
        let wanted = tools(listed).into_iter().filter(|tool| wanted.holds(tool));
        let offer = |tool: Listed| Offer {
            needs_approval: settings.needs_approval(&tool),
            declaration: declaration(&tool),
            function: tool.name,
        };
        Ok(wanted.map(offer).collect())
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = Settings::read(&call.settings)?;
        let server = self.server(&call.turn.project, &settings, &call.settings, &call.grant).await?;
        let Outcome { mut text, is_error } = self
            .client
            .call(&server, &call.function, call.arguments)
            .await
            .map_err(|failure| of(&failure))?;
        if is_error {
            text.truncate(text.floor_char_boundary(MOST_OF_FAILURE));
            return Err(fault(TOOL_ERROR, text));
        }
        let whole = text.len();
        if whole > call.room {
            text.truncate(text.floor_char_boundary(call.room));
            let given = text.len();
            text.push_str(&format!(
                "\n[The output is cut here: it has {whole} bytes, of which {given} are given.]"
            ));
        }
        Ok(ToolOutput { text, ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        // What a tool says about itself is a hint, and may be wrong.
        false
    }

    fn timeout(&self) -> Duration {
        let patience = self.client.patience();
        patience.open + patience.longest_call.max(patience.list)
    }
}

/// The tools of a list as this service keeps it.
fn tools(listed: &Value) -> Vec<Listed> {
    let tools = listed["tools"].as_array().into_iter().flatten();
    tools.filter_map(|tool| serde_json::from_value(tool.clone()).ok()).collect()
}

/// A fault whose code says the number that stands in the item of the call, where there is one.
fn of(failure: &Failure) -> TurnFault {
    let code = match failure {
        Failure::Status { status, .. } => format!("{HTTP}{status}"),
        Failure::Refused { code, .. } => format!("{PROTOCOL}{code}"),
        other => other.code().to_owned(),
    };
    TurnFault { code, message: failure.to_string() }
}

/// Seals what the servers of these tools are told, in a list of tools as responses and their agents have it.
pub fn seal_tools(sealing: &SealingKey, project: &str, tools: &mut Value) -> Result<(), crate::ApiError> {
    let tools = tools.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    for tool in tools.filter(|tool| tool.get("type").is_some_and(|kind| kind == KIND)) {
        let url = tool.get("server_url").and_then(Value::as_str).map(str::to_owned);
        seal(sealing, project, tool, url.as_deref())?;
    }
    Ok(())
}

/// What an item of the history says of a server's tools, where it is a list that is still good: of this server,
/// and with all tools that are allowed by name.
pub fn listed_before(settings: &Value, item: &Map<String, Value>) -> Option<Value> {
    let is_it = item.get("type").is_some_and(|kind| kind == LIST)
        && item.get("server_label") == settings.get("server_label")
        && item.get("error").is_none_or(Value::is_null);
    let listed = json!({"tools": item.get("tools").filter(|_| is_it)?});
    let names: Vec<_> = tools(&listed).into_iter().map(|tool| tool.name).collect();
    let allowed = Settings::read(settings).ok()?.wanted().names.unwrap_or_default();
    allowed.iter().all(|name| names.contains(name)).then_some(listed)
}

/// A part of a classic `tool_resources`, for the server with this label.
pub fn resource_of<'r>(resources: &'r Map<String, Value>, label: &str) -> Option<&'r Value> {
    let all = resources.get(KIND)?.as_array()?;
    all.iter().find(|resource| resource["server_label"] == label)
}
