//! What the tools of a run work on: what the run itself says, or its agent, and what its thread says.

use std::sync::Arc;

use cupola_wire::classic::{Run, ToolResources};
use serde_json::{Value, json};

use crate::tools::{code_interpreter, file_search, mcp};

/// What the tools of a run work on, by kind.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    stores: Vec<String>,
    /// Files that code finds in its container.
    files: Vec<String>,
    /// The container that belongs to the thread.
    container: String,
    /// What is said of MCP servers; of several that have one label, the first counts.
    servers: Vec<Value>,
}

impl Scope {
    /// Whether a run has tools that work on anything.
    pub fn concerns(run: &Run) -> bool {
        let kinds = [code_interpreter::KIND, file_search::KIND, mcp::KIND];
        run.tools.iter().any(|tool| kinds.contains(&tool.kind()))
    }

    /// What a run works on.
    pub fn of(project: &Arc<str>, run: &Run, agent: &ToolResources, thread: &ToolResources) -> Self {
        let named = |kind: &str, field: &str| {
            let own = if run.tool_resources.contains_key(kind) { &run.tool_resources } else { agent };
            let mut all: Vec<String> = Vec::new();
            for id in ids(own, kind, field).chain(ids(thread, kind, field)) {
                if !all.iter().any(|other| other == id) {
                    all.push(id.to_owned());
                }
            }
            all
        };
        let servers = [&run.tool_resources, agent, thread].into_iter().filter_map(|all| all.get(mcp::KIND));
        Self {
            servers: servers.filter_map(Value::as_array).flatten().cloned().collect(),
            stores: named(file_search::KIND, "vector_store_ids"),
            files: named(code_interpreter::KIND, "file_ids"),
            container: code_interpreter::auto_id(project, &run.thread_id),
        }
    }

    /// The settings of a tool, in the form that it reads. `given` is what the client gave for it.
    pub fn settings(&self, kind: &str, given: &Value) -> Value {
        let mut settings = if given.is_object() { given.clone() } else { json!({}) };
        match kind {
            file_search::KIND => settings["vector_store_ids"] = json!(self.stores),
            code_interpreter::KIND => {
                let files = json!({"type": "auto", "file_ids": self.files});
                settings["container"] = code_interpreter::auto(&files, &self.container);
                settings["publishes"] = json!(true);
            }
            _ => {}
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

fn ids<'r>(resources: &'r ToolResources, kind: &str, field: &str) -> impl Iterator<Item = &'r str> {
    let ids = resources.get(kind).and_then(|part| part.get(field)).and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str)
}
