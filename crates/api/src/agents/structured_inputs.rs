//! Structured inputs: what a response fills into the instructions and the tools of its agent.

use cupola_wire::agents::StructuredInput;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{schema, template};
use crate::{ApiError, body::parse_value};

/// Fills a definition with what the request gives in `structured_inputs`, and with defaults.
///
/// An agent without structured inputs is left as it is: its braces are text.
pub fn fill(definition: &mut Map<String, Value>, given: Option<&Value>) -> Result<(), ApiError> {
    let declared: IndexMap<String, StructuredInput> = match definition.get("structured_inputs") {
        None | Some(Value::Null) => IndexMap::new(),
        Some(declared) => parse_value(declared.clone())?,
    };
    let nothing = Map::new();
    let given = match given {
        None | Some(Value::Null) => &nothing,
        Some(Value::Object(given)) => given,
        Some(_) => {
            let message = "Invalid type for 'structured_inputs': expected an object.";
            return Err(ApiError::invalid(message).code("invalid_type").param("structured_inputs"));
        }
    };
    let values = values(&declared, given)?;
    if !values.is_empty() {
        fill_instructions(definition, &values);
        fill_tools(definition, &values);
    }
    Ok(())
}

/// The value of every input that is declared; null where there is none.
fn values(
    declared: &IndexMap<String, StructuredInput>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        let param = param(name);
        let message = format!("Invalid '{param}': the agent declares no input of this name.");
        return Err(ApiError::invalid(message).code("invalid_value").param(param));
    }
    let mut values = Map::new();
    for (name, input) in declared {
        let value = given.get(name.as_str()).filter(|value| !value.is_null());
        if value.is_none() && input.required == Some(true) && input.default_value.is_none() {
            let param = param(name);
            return Err(ApiError::invalid(format!("Missing required parameter: '{param}'."))
                .code("missing_required_parameter")
                .param(param));
        }
        if let (Some(value), Some(schema)) = (value, &input.schema)
            && let Some(problem) = schema::problem(&param(name), value, schema)
        {
            let message = format!("Invalid '{}': expected {}.", problem.path, problem.expected);
            return Err(ApiError::invalid(message).code("invalid_value").param(problem.path));
        }
        let value = value.or(input.default_value.as_ref()).cloned().unwrap_or_default();
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn param(name: &str) -> String {
    format!("structured_inputs.{name}")
}

fn fill_instructions(definition: &mut Map<String, Value>, values: &Map<String, Value>) {
    if let Some(Value::String(instructions)) = definition.get_mut("instructions") {
        *instructions = template::render(instructions, values);
    }
}

fn fill_tools(definition: &mut Map<String, Value>, values: &Map<String, Value>) {
    let Some(Value::Array(tools)) = definition.get_mut("tools") else { return };
    for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
        match tool.get("type").and_then(Value::as_str).unwrap_or_default() {
            "file_search" => fill_list(tool.get_mut("vector_store_ids"), values),
            "code_interpreter" => match tool.get_mut("container") {
                Some(Value::Object(container)) => fill_list(container.get_mut("file_ids"), values),
                container => fill_text(container, values),
            },
            "mcp" => {
                fill_text(tool.get_mut("server_label"), values);
                fill_text(tool.get_mut("server_url"), values);
                if let Some(Value::Object(headers)) = tool.get_mut("headers") {
                    headers.values_mut().for_each(|header| fill_text(Some(header), values));
                }
            }
            _ => {}
        }
    }
}

fn fill_text(text: Option<&mut Value>, values: &Map<String, Value>) {
    if let Some(Value::String(text)) = text {
        *text = template::render(text, values);
    }
}

/// Entries that become empty leave the list: an input without a value means one entry less.
fn fill_list(list: Option<&mut Value>, values: &Map<String, Value>) {
    let Some(Value::Array(list)) = list else { return };
    list.iter_mut().for_each(|entry| fill_text(Some(entry), values));
    list.retain(|entry| entry.as_str() != Some(""));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(definition: Value, given: Value) -> Result<Value, ApiError> {
        let Value::Object(mut definition) = definition else { panic!("a definition is an object") };
        fill(&mut definition, Some(&given)).map(|()| Value::Object(definition))
    }

    fn refusal(definition: Value, given: Value) -> (String, Option<String>) {
        let refused = filled(definition, given).expect_err("is refused");
        (refused.detail().message.clone(), refused.detail().param.clone())
    }

    #[test]
    fn instructions_take_what_is_given_and_defaults_for_the_rest() {
        let definition = json!({
            "instructions": "You help {{user}} in {{language}}.",
            "structured_inputs": {"user": {"required": true}, "language": {"default_value": "English"}},
        });
        let filled = filled(definition, json!({"user": "Ann"})).expect("is accepted");
        assert_eq!(filled["instructions"], "You help Ann in English.");
    }

    #[test]
    fn without_declared_inputs_braces_are_text() {
        let filled = filled(json!({"instructions": "{{a}} {{#if"}), json!({})).expect("is accepted");
        assert_eq!(filled["instructions"], "{{a}} {{#if");
    }

    #[test]
    fn settings_of_tools_are_filled_and_empty_entries_leave_their_list() {
        let definition = json!({
            "structured_inputs": {"store": {}, "file": {}, "label": {}, "key": {}},
            "tools": [
                {"type": "file_search", "vector_store_ids": ["{{store}}", "vs_fixed"]},
                {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["{{file}}"]}},
                {"type": "code_interpreter", "container": "{{file}}"},
                {"type": "mcp", "server_label": "{{label}}", "server_url": "https://{{label}}.test",
                 "headers": {"x-key": "{{key}}"}},
                {"type": "other", "setting": "{{store}}"},
            ],
        });
        let given = json!({"file": "file_1", "label": "git", "key": "k"});
        let filled = filled(definition, given).expect("is accepted");
        assert_eq!(
            filled["tools"],
            json!([
                {"type": "file_search", "vector_store_ids": ["vs_fixed"]},
                {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file_1"]}},
                {"type": "code_interpreter", "container": "file_1"},
                {"type": "mcp", "server_label": "git", "server_url": "https://git.test",
                 "headers": {"x-key": "k"}},
                {"type": "other", "setting": "{{store}}"},
            ])
        );
    }

    #[test]
    fn a_required_input_that_is_not_given_is_named() {
        let definition = json!({"structured_inputs": {"user": {"required": true}}});
        let refused = refusal(definition, json!({}));
        let message = "Missing required parameter: 'structured_inputs.user'.";
        assert_eq!(refused, (message.to_owned(), Some("structured_inputs.user".to_owned())));
    }

    #[test]
    fn an_input_that_does_not_fit_its_schema_is_named() {
        let definition = json!({"structured_inputs": {"user": {"schema": {"type": "string"}}}});
        let refused = refusal(definition, json!({"user": 5}));
        let message = "Invalid 'structured_inputs.user': expected a value of type 'string'.";
        assert_eq!(refused, (message.to_owned(), Some("structured_inputs.user".to_owned())));
    }

    #[test]
    fn an_input_that_is_not_declared_is_named() {
        let refused = refusal(json!({"structured_inputs": {"user": {}}}), json!({"usr": "Ann"}));
        assert_eq!(refused.1.as_deref(), Some("structured_inputs.usr"));
    }

    #[test]
    fn inputs_that_are_not_an_object_are_refused() {
        assert_eq!(refusal(json!({}), json!(["Ann"])).1.as_deref(), Some("structured_inputs"));
    }
}
