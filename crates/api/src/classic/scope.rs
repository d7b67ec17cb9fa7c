//! What the tools of a run work on: what the run itself says, or its agent, and what its thread says.

use cupola_wire::classic::{Run, ToolResources};
use serde_json::{Value, json};

use crate::tools::{file_search, mcp};

/// What the tools of a run work on, by kind.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    stores: Vec<String>,
    /// What is said of MCP servers; of several that have one label, the first counts.
    servers: Vec<Value>,
}

impl Scope {
    /// Whether a run has tools that work on anything.
    pub fn concerns(run: &Run) -> bool {
        run.tools.iter().any(|tool| [file_search::KIND, mcp::KIND].contains(&tool.kind()))
    }

    /// What a run works on.
    pub fn of(run: &Run, agent: &ToolResources, thread: &ToolResources) -> Self {
        let own =
            if run.tool_resources.contains_key(file_search::KIND) { &run.tool_resources } else { agent };
        let mut all = Vec::new();
        for store in stores(own).chain(stores(thread)) {
            if !all.iter().any(|other| other == store) {
                all.push(store.to_owned());
            }
        }
        let servers = [&run.tool_resources, agent, thread].into_iter().filter_map(|all| all.get(mcp::KIND));
        let servers = servers.filter_map(Value::as_array).flatten().cloned().collect();
        Self { stores: all, servers }
    }

    /// The settings of a tool, in the form that it reads. `given` is what the client gave for it.
    pub fn settings(&self, kind: &str, given: &Value) -> Value {
        let mut settings = if given.is_object() { given.clone() } else { json!({}) };
        if kind == file_search::KIND {
            settings["vector_store_ids"] = json!(self.stores);
        }
        if kind == mcp::KIND {
            let mut servers = self.servers.iter();
            let said = servers.find(|server| server["server_label"] == given["server_label"]);
            for name in ["require_approval", "headers", mcp::SEALED] {
                if let Some(value) = said.and_then(|said| said.get(name)).filter(|value| !value.is_null()) {
                    settings[name] = value.clone();
                }
            }
        }
        settings
    }
}

fn stores(resources: &ToolResources) -> impl Iterator<Item = &str> {
    let part = resources.get(file_search::KIND);
    let ids = part.and_then(|part| part.get("vector_store_ids")).and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str)
}
