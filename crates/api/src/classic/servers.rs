//! MCP servers of agents and runs: what `tool_resources.mcp` says of them, sealed where it is secret.

use std::collections::BTreeMap;

use cupola_engine::turn::Approval;
use cupola_wire::classic::{Run, Tool, ToolApproval, ToolResources};
use serde_json::{Map, Value, json};

use crate::{ApiError, Service, tools::mcp};

/// Seals the headers of servers, for the addresses that these tools say.
pub fn seal(
    service: &Service,
    project: &str,
    resources: &mut ToolResources,
    tools: &mut [Tool],
) -> Result<(), ApiError> {
    for tool in tools.iter_mut().filter(|tool| tool.kind() == mcp::KIND) {
        let Tool::Other(server) = tool else { continue };
        let url = server.get("server_url").and_then(Value::as_str).map(str::to_owned);
        mcp::seal(service.sealing(), project, server, url.as_deref())?;
    }
    let Some(Value::Array(servers)) = resources.get_mut(mcp::KIND) else { return Ok(()) };
    for (index, server) in servers.iter_mut().enumerate() {
        let param = format!("tool_resources.mcp[{index}]");
        let Value::Object(server) = server else { return Err(crate::items::wrong_type(&param, "an object")) };
        let label = server.get("server_label").and_then(Value::as_str).unwrap_or_default();
        let url = address(tools, label).ok_or_else(|| {
            let message = format!("No MCP tool has the server_label '{label}' that '{param}' names.");
            ApiError::invalid(message).code("invalid_value").param(format!("{param}.server_label"))
        })?;
        mcp::seal(service.sealing(), project, server, Some(url))?;
    }
    Ok(())
}

/// Refuses headers where nobody knows yet for which address they are meant.
pub fn refuse_headers(resources: Option<&ToolResources>) -> Result<(), ApiError> {
    let servers = resources.and_then(|resources| resources.get(mcp::KIND)).and_then(Value::as_array);
    let has_headers =
        |server: &Value| server["headers"].as_object().is_some_and(|headers| !headers.is_empty());
    if servers.into_iter().flatten().any(has_headers) {
        let message =
            "Headers of MCP servers belong to the agent or to the run, which know the server's address.";
        return Err(ApiError::invalid(message).code("invalid_value").param("tool_resources.mcp"));
    }
    Ok(())
}

/// The address of the server with this label.
fn address<'t>(tools: &'t [Tool], label: &str) -> Option<&'t str> {
    let text = |tool: &'t Map<String, Value>, field: &str| tool.get(field).and_then(Value::as_str);
    let mut servers = tools.iter().filter_map(|tool| match tool {
        Tool::Other(fields) if tool.kind() == mcp::KIND => Some(fields),
        _ => None,
    });
    servers
        .find(|server| text(server, "server_label") == Some(label))
        .and_then(|server| text(server, "server_url"))
}

/// Approvals as the engine takes them. Headers that come with one are sealed for the server of its call.
pub fn approvals(
    service: &Service,
    project: &str,
    run: &Run,
    given: Vec<ToolApproval>,
) -> Result<Vec<Approval>, ApiError> {
    let approval = |given: ToolApproval| {
        let grant = match given.headers.filter(|headers| !headers.is_empty()) {
            Some(headers) => grant(service, project, run, &given.tool_call_id, headers)?,
            None => Value::Null,
        };
        Ok(Approval { call_id: given.tool_call_id, approve: given.approve, reason: None, grant })
    };
    given.into_iter().map(approval).collect()
}

fn grant(
    service: &Service,
    project: &str,
    run: &Run,
    call: &str,
    headers: BTreeMap<String, String>,
) -> Result<Value, ApiError> {
    let asked = run.required_action.as_ref().and_then(|action| action.submit_tool_approval.as_ref());
    let call = asked.and_then(|asked| asked.tool_calls.iter().find(|asked| asked.id == call));
    let label = call.and_then(|call| call.extra.get("server_label")).and_then(Value::as_str);
    // Approvals of other calls are refused by the turn, so nobody will ask for these headers.
    let Some(url) = label.and_then(|label| address(&run.tools, label)) else { return Ok(Value::Null) };
    let mut grant = Map::new();
    grant.insert("headers".to_owned(), json!(headers));
    mcp::seal(service.sealing(), project, &mut grant, Some(url))?;
    Ok(Value::Object(grant))
}
