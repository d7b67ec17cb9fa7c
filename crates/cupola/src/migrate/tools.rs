//! Tools of classic agents as tools of the newer API. What classic agents keep in `tool_resources`, the
//! newer ones have in the tool itself.

use cupola_client::types::{Extra, FunctionDefinition, Tool, ToolResources};
use serde_json::{Value, json};

use super::report::Losses;

/// What stands in place of header values that the service does not show.
const HIDDEN: &str = "REDACTED";

/// The tools, with what `resources` hold for them.
pub fn tools(tools: &[Tool], resources: &ToolResources, losses: &mut Losses) -> Vec<Extra> {
    let made: Vec<Extra> = tools.iter().filter_map(|tool| self::tool(tool, resources, losses)).collect();
    for (kind, part) in resources {
        let is_used = tools.iter().any(|tool| tool.kind() == kind);
        if !is_used && !is_blank(part) {
            losses.note(format!("tool_resources.{kind}"), "no tool of the agent uses it");
        }
    }
    made
}

fn tool(tool: &Tool, resources: &ToolResources, losses: &mut Losses) -> Option<Extra> {
    let fields = match tool {
        Tool::Function(tool) => return Some(function(&tool.function)),
        Tool::Other(fields) => fields,
    };
    let kind = tool.kind();
    let own = fields.get(kind).and_then(Value::as_object).cloned().unwrap_or_default();
    let resource = resources.get(kind);
    match kind {
        "file_search" => Some(file_search(own, resource, losses)),
        "code_interpreter" => Some(code_interpreter(resource, losses)),
        "azure_ai_search" => Some(azure_ai_search(resource)),
        "mcp" => Some(mcp(fields, resource, losses)),
        "openapi" => Some(openapi(own)),
        "azure_function" => Some(boxed(kind, own)),
        "bing_grounding" => Some(boxed(kind, own)),
        "bing_custom_search" => Some(boxed("bing_custom_search_preview", own)),
        "sharepoint_grounding" => Some(boxed("sharepoint_grounding_preview", own)),
        "fabric_dataagent" => Some(boxed("fabric_dataagent_preview", own)),
        "browser_automation" => Some(browser_automation(own)),
        "computer_use_preview" => Some(flat(kind, own)),
        "connected_agent" => {
            losses.note(
                format!("tools.connected_agent {}", text_of(&own, "name")),
                "agents of the newer API do not call each other as tools; use a workflow or A2A",
            );
            None
        }
        "deep_research" => {
            losses.note("tools.deep_research", "the newer API has no such tool; use a deep research model");
            None
        }
        other => {
            losses.note(format!("tools.{other}"), "the newer API has no such tool");
            None
        }
    }
}

fn function(function: &FunctionDefinition) -> Extra {
    let parameters = match &function.parameters {
        Value::Null => json!({"type": "object", "properties": {}}),
        parameters => parameters.clone(),
    };
    let mut tool = of_type("function");
    tool.insert("name".to_owned(), json!(function.name));
    if let Some(description) = &function.description {
        tool.insert("description".to_owned(), json!(description));
    }
    tool.insert("parameters".to_owned(), parameters);
    // A strict schema has rules that classic schemas need not follow.
    tool.insert("strict".to_owned(), json!(function.strict.unwrap_or(false)));
    tool
}

fn file_search(own: Extra, resource: Option<&Value>, losses: &mut Losses) -> Extra {
    let part = |name| resource.and_then(|resource| resource.get(name)).filter(|part| !is_blank(part));
    if part("vector_stores").is_some() {
        losses.note(
            "tool_resources.file_search.vector_stores",
            "the newer tool takes ids of vector stores only",
        );
    }
    let stores = part("vector_store_ids").cloned().unwrap_or_else(|| json!([]));
    let mut tool = flat("file_search", own);
    tool.insert("vector_store_ids".to_owned(), stores);
    tool
}

fn code_interpreter(resource: Option<&Value>, losses: &mut Losses) -> Extra {
    let part = |name| resource.and_then(|resource| resource.get(name)).filter(|part| !is_blank(part));
    if part("data_sources").is_some() {
        losses.note("tool_resources.code_interpreter.data_sources", "the newer tool takes ids of files only");
    }
    let files = part("file_ids").cloned().unwrap_or_else(|| json!([]));
    let mut tool = of_type("code_interpreter");
    tool.insert("container".to_owned(), json!({"type": "auto", "file_ids": files}));
    tool
}

fn azure_ai_search(resource: Option<&Value>) -> Extra {
    let indexes = resource.and_then(|resource| resource.get("indexes")).cloned().unwrap_or_else(|| json!([]));
    let mut own = Extra::new();
    own.insert("indexes".to_owned(), indexes);
    boxed("azure_ai_search", own)
}

fn mcp(fields: &Extra, resource: Option<&Value>, losses: &mut Losses) -> Extra {
    let mut tool = fields.clone();
    tool.retain(|_, value| !value.is_null());
    let label = text_of(fields, "server_label");
    let settings = resource.and_then(Value::as_array).into_iter().flatten();
    for settings in settings.filter(|settings| settings["server_label"].as_str() == Some(&label)) {
        if let Some(approval) = settings.get("require_approval").filter(|approval| !is_blank(approval)) {
            tool.insert("require_approval".to_owned(), approval.clone());
        }
        let headers = settings.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
        let (hidden, known): (Extra, Extra) = headers.into_iter().partition(|(_, value)| value == HIDDEN);
        for name in hidden.keys() {
            losses.note(
                format!("tool_resources.mcp {label} header {name}"),
                "the service does not show its value; put it into a connection",
            );
        }
        if !known.is_empty() {
            tool.insert("headers".to_owned(), Value::Object(known));
        }
    }
    tool
}

fn openapi(mut own: Extra) -> Extra {
    // Read from the specification again.
    own.shift_remove("functions");
    if let Some(auth) = own.get_mut("auth")
        && auth["type"] == "connection"
    {
        auth["type"] = json!("project_connection");
    }
    boxed("openapi", own)
}

fn browser_automation(mut own: Extra) -> Extra {
    if let Some(Value::Object(connection)) = own.get_mut("connection")
        && let Some(id) = connection.shift_remove("id")
    {
        connection.insert("project_connection_id".to_owned(), id);
    }
    boxed("browser_automation_preview", own)
}

fn of_type(kind: &str) -> Extra {
    [("type".to_owned(), json!(kind))].into_iter().collect()
}

/// The settings below the tool's name, with connections called what they are called now.
fn boxed(kind: &str, mut own: Extra) -> Extra {
    if let Some(connections) = own.shift_remove("connections") {
        own.insert("project_connections".to_owned(), connections);
    }
    let mut own = Value::Object(own);
    rename_connections(&mut own);
    let mut tool = of_type(kind);
    tool.insert(kind.to_owned(), own);
    tool
}

/// The settings beside the type.
fn flat(kind: &str, own: Extra) -> Extra {
    let mut tool = of_type(kind);
    tool.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    tool
}

/// `connection_id` and `index_connection_id` are `project_connection_id` now, wherever they stand.
fn rename_connections(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let renamed = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                rename_connections(&mut value);
                match name.as_str() {
                    "connection_id" | "index_connection_id" => ("project_connection_id".to_owned(), value),
                    _ => (name, value),
                }
            });
            *fields = renamed.collect();
        }
        Value::Array(values) => values.iter_mut().for_each(rename_connections),
        _ => {}
    }
}

fn text_of(fields: &Extra, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.values().all(is_blank),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
