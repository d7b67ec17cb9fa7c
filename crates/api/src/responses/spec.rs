//! From a response to what the engine is asked for.

use cupola_engine::{ClientCalls, ToolSpec, Truncation, TurnSpec};
use cupola_models::{FunctionDeclaration, ResponseFormat, ToolChoice};
use serde_json::{Map, Value, json};

use super::checks::name_of;
use crate::{
    a2a::ASKED_BY,
    tools::{a2a, lineage::Lineage, memory_search},
};

/// Fields that are handed to the upstream as they are, under the names that chat completions knows.
const PASSED: &[(&str, &str)] = &[
    ("service_tier", "service_tier"),
    ("prompt_cache_key", "prompt_cache_key"),
    ("safety_identifier", "safety_identifier"),
    ("user", "user"),
];

/// What the engine is asked for. Everything it needs stands in the response, so that a turn can be taken
/// up again from the response alone.
pub fn turn_spec(response: &Value) -> TurnSpec {
    let text = |field: &str| response[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let is_background = response["background"] == true;
    let allowed = allowed_tools(&response["tool_choice"]);
    TurnSpec {
        deployment: text("model").unwrap_or_default(),
        instructions: text("instructions"),
        conversation: text("id").unwrap_or_default(),
        tools: tools(&response["tools"], allowed, &lineage(response)),
        tool_choice: tool_choice(&response["tool_choice"]),
        forced_tool: forced_tool(response),
        max_tool_calls: response["max_tool_calls"].as_u64(),
        parallel_tool_calls: (response["parallel_tool_calls"] == false).then_some(false),
        response_format: response_format(&response["text"]["format"]),
        temperature: response["temperature"].as_f64(),
        top_p: response["top_p"].as_f64().filter(|top_p| *top_p < 1.0),
        max_prompt_tokens: None,
        max_completion_tokens: response["max_output_tokens"].as_u64(),
        truncation: Truncation::Auto,
        client_calls: ClientCalls::HandOver,
        // What is approved is said when a turn is accepted, and stands in its journal then.
        approved: Vec::new(),
        keep_frames: is_background,
        line: response["conversation"]["id"].as_str().map(str::to_owned),
        input: None,
        extra: passed(response),
    }
}

fn passed(response: &Value) -> Map<String, Value> {
    let mut extra = Map::new();
    for (field, name) in PASSED {
        if let Some(value) = response.get(field).filter(|value| !value.is_null() && *value != "auto") {
            extra.insert((*name).to_owned(), value.clone());
        }
    }
    if let Some(effort) = response["reasoning"]["effort"].as_str() {
        extra.insert("reasoning_effort".to_owned(), json!(effort));
    }
    if let Some(verbosity) = response["text"]["verbosity"].as_str().filter(|word| *word != "medium") {
        extra.insert("verbosity".to_owned(), json!(verbosity));
    }
    extra
}

/// The tools that a choice of `allowed_tools` leaves.
fn allowed_tools(choice: &Value) -> Option<&[Value]> {
    let tools = choice.get("tools").filter(|_| choice["type"] == "allowed_tools")?.as_array()?;
    Some(tools)
}

/// The agents that are at work on the question.
fn lineage(response: &Value) -> Lineage {
    let asked_by = response["metadata"][ASKED_BY].as_str();
    Lineage::read(asked_by).and(response["agent_reference"]["name"].as_str())
}

fn tools(tools: &Value, allowed: Option<&[Value]>, lineage: &Lineage) -> Vec<ToolSpec> {
    // Tools are named, or are the only one of their type.
    let is_meant = |tool: &Value, by: &Value| match name_of(by) {
        Some(name) => name_of(tool) == Some(name),
        None => tool["type"] == by["type"],
    };
    let is_allowed = |tool: &&Value| allowed.is_none_or(|all| all.iter().any(|by| is_meant(tool, by)));
    let allowed = tools.as_array().into_iter().flatten().filter(is_allowed);
    allowed.map(|given| tool(given, lineage)).collect()
}

/// The type of the tool that has to be called first, where that is one of the service's own.
fn forced_tool(response: &Value) -> Option<String> {
    let chosen = response["tool_choice"]["type"].as_str()?;
    let is_served = !matches!(chosen, "function" | "custom" | "allowed_tools");
    let mut tools = response["tools"].as_array().into_iter().flatten();
    (is_served && tools.any(|tool| tool["type"] == chosen)).then(|| chosen.to_owned())
}

/// The names of the custom tools: their calls are shown in another way.
pub fn custom_tools(response: &Value) -> Vec<String> {
    let tools = response["tools"].as_array().into_iter().flatten();
    let custom = tools.filter(|tool| tool["type"] == "custom");
    custom.filter_map(|tool| name_of(tool).map(str::to_owned)).collect()
}

fn tool(tool: &Value, lineage: &Lineage) -> ToolSpec {
    match tool["type"].as_str() {
        Some("function") => {
            // Older clients nest the declaration, as chat completions does.
            let declared = tool.get("function").filter(|nested| nested.is_object()).unwrap_or(tool);
            let text = |field: &str| declared[field].as_str().map(str::to_owned);
            ToolSpec::Function(FunctionDeclaration {
                name: text("name").unwrap_or_default(),
                description: text("description"),
                parameters: match &declared["parameters"] {
                    Value::Null => json!({"type": "object", "properties": {}}),
                    parameters => parameters.clone(),
                },
                strict: declared["strict"].as_bool().filter(|strict| *strict),
            })
        }
        Some("custom") => ToolSpec::Function(FunctionDeclaration {
            name: name_of(tool).unwrap_or_default().to_owned(),
            description: tool["description"].as_str().map(str::to_owned),
            // Free text, in the only form in which every server takes it.
            parameters: json!({
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                "additionalProperties": false,
            }),
            strict: None,
        }),
        Some(kind @ (a2a::KIND | a2a::PREVIEW)) => {
            let mut settings = tool.clone();
            settings["lineage"] = json!(lineage);
            ToolSpec::Served { kind: kind.to_owned(), settings }
        }
        // The two names of one tool.
        Some(memory_search::EARLIER) => {
            ToolSpec::Served { kind: memory_search::KIND.to_owned(), settings: tool.clone() }
        }
        kind => ToolSpec::Served { kind: kind.unwrap_or_default().to_owned(), settings: tool.clone() },
    }
}

fn tool_choice(choice: &Value) -> ToolChoice {
    let word = choice.as_str().or_else(|| choice["mode"].as_str());
    match word {
        Some("none") => ToolChoice::None,
        Some("required") => ToolChoice::Required,
        Some(_) => ToolChoice::Auto,
        None => match (choice["type"].as_str(), name_of(choice)) {
            (Some("function" | "custom"), Some(name)) => ToolChoice::Function(name.to_owned()),
            (Some(_), _) => ToolChoice::Required,
            (None, _) => ToolChoice::Auto,
        },
    }
}

fn response_format(format: &Value) -> ResponseFormat {
    let text = |field: &str| format[field].as_str().map(str::to_owned);
    match format["type"].as_str() {
        Some("json_object") => ResponseFormat::JsonObject,
        Some("json_schema") => ResponseFormat::JsonSchema {
            name: text("name").unwrap_or_else(|| "answer".to_owned()),
            description: text("description"),
            schema: format["schema"].clone(),
            strict: format["strict"].as_bool(),
        },
        _ => ResponseFormat::Text,
    }
}
