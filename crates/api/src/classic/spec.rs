//! From a run to what the engine is asked for.

use cupola_engine::{ClientCalls, ToolSpec, Truncation, TurnSpec};
use cupola_models::{FunctionDeclaration, ResponseFormat, ToolChoice};
use cupola_wire::classic::{Run, Tool};
use serde_json::{Value, json};

use super::scope::Scope;
use crate::tools::mcp;

/// What the engine is asked for. Everything it needs stands in the run, so that a turn can be taken up
/// again from the run, and from what its tools work on.
pub fn turn_spec(run: &Run, scope: &Scope) -> TurnSpec {
    TurnSpec {
        deployment: run.model.clone(),
        instructions: run.instructions.clone().filter(|text| !text.is_empty()),
        conversation: run.thread_id.clone(),
        tools: run.tools.iter().map(|of| tool(of, scope)).collect(),
        tool_choice: tool_choice(&run.tool_choice),
        forced_tool: forced_tool(run),
        max_tool_calls: None,
        // What a model does by itself is not sent: not every server knows every parameter.
        parallel_tool_calls: (!run.parallel_tool_calls && !run.tools.is_empty()).then_some(false),
        response_format: response_format(&run.response_format),
        temperature: run.temperature,
        top_p: run.top_p.filter(|top_p| *top_p < 1.0),
        max_prompt_tokens: run.max_prompt_tokens,
        max_completion_tokens: run.max_completion_tokens,
        truncation: match run.truncation_strategy.as_ref().map(|t| (t.kind.as_str(), t.last_messages)) {
            Some(("last_messages", Some(count))) => Truncation::LastMessages(count),
            _ => Truncation::Auto,
        },
        // One run per thread is kept by a claim, and streams of runs can't be taken up again.
        input: None,
        extra: serde_json::Map::new(),
        client_calls: ClientCalls::Wait,
        // Runs wait for their approvals.
        approved: Vec::new(),
        keep_frames: false,
        line: None,
    }
}

/// The kind of the tool that has to be called first, where that is one of the service's own.
fn forced_tool(run: &Run) -> Option<String> {
    let chosen = run.tool_choice.get("type").and_then(Value::as_str).filter(|kind| *kind != "function")?;
    run.tools.iter().any(|tool| tool.kind() == chosen).then(|| chosen.to_owned())
}

fn tool(tool: &Tool, scope: &Scope) -> ToolSpec {
    match tool {
        Tool::Function(tool) => ToolSpec::Function(FunctionDeclaration {
            name: tool.function.name.clone(),
            description: tool.function.description.clone(),
            parameters: match &tool.function.parameters {
                Value::Null => json!({"type": "object", "properties": {}}),
                parameters => parameters.clone(),
            },
            strict: tool.function.strict.filter(|strict| *strict),
        }),
        Tool::Other(given) => {
            let kind = tool.kind().to_owned();
            let settings = match kind.as_str() {
                // Its settings stand in the tool itself.
                mcp::KIND => scope.settings(&kind, &Value::Object(given.clone())),
                _ => scope.settings(&kind, given.get(&kind).unwrap_or(&Value::Null)),
            };
            ToolSpec::Served { kind, settings }
        }
    }
}

fn tool_choice(choice: &Value) -> ToolChoice {
    match choice {
        Value::String(word) if word == "none" => ToolChoice::None,
        Value::String(word) if word == "required" => ToolChoice::Required,
        Value::Object(choice) => {
            match choice.get("function").and_then(|f| f.get("name")).and_then(Value::as_str) {
                Some(name) => ToolChoice::Function(name.to_owned()),
                None => ToolChoice::Required,
            }
        }
        _ => ToolChoice::Auto,
    }
}

fn response_format(format: &Value) -> ResponseFormat {
    match format.get("type").and_then(Value::as_str) {
        Some("json_object") => ResponseFormat::JsonObject,
        Some("json_schema") => {
            let schema = &format["json_schema"];
            let text = |field: &str| schema.get(field).and_then(Value::as_str).map(str::to_owned);
            ResponseFormat::JsonSchema {
                name: text("name").unwrap_or_else(|| "answer".to_owned()),
                description: text("description"),
                schema: schema.get("schema").cloned().unwrap_or_else(|| json!({})),
                strict: schema.get("strict").and_then(Value::as_bool),
            }
        }
        _ => ResponseFormat::Text,
    }
}
