//! A server's tool as a function for the model: its name, its description and its schema in the forms that model
//! servers take.

use cupola_models::FunctionDeclaration;
use cupola_tools::mcp::Listed;
use serde_json::{Value, json};

/// The longest name that model servers take.
const LONGEST_NAME: usize = 64;
/// The longest description that they take.
const LONGEST_DESCRIPTION: usize = 1024;
/// The largest schema that is handed on, in bytes. Of a larger one the model is told that there is one.
const LARGEST_SCHEMA: usize = 64 * 1024;

/// The function for a tool.
pub fn declaration(tool: &Listed) -> FunctionDeclaration {
    FunctionDeclaration {
        name: name(&tool.name),
        description: tool.description.as_deref().filter(|text| !text.is_empty()).map(shortened),
        parameters: parameters(&tool.input_schema),
        strict: None,
    }
}

/// The name of the function. Names of tools may hold what names of functions may not.
pub fn name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let name: String = name.chars().map(plain).take(LONGEST_NAME).collect();
    if name.is_empty() { "tool".to_owned() } else { name }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DESCRIPTION) {
        Some(_) => text.chars().take(LONGEST_DESCRIPTION - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The schema, if it is one of an object. Anything else would make model servers refuse the whole request.
fn parameters(schema: &Value) -> Value {
    let is_object = schema["type"] == "object" && schema.get("properties").is_none_or(Value::is_object);
    if !is_object || schema.to_string().len() > LARGEST_SCHEMA {
        return json!({"type": "object", "properties": {}});
    }
    let mut schema = schema.clone();
    if let Value::Object(fields) = &mut schema {
        fields.entry("properties").or_insert_with(|| json!({}));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(name: &str, schema: Value) -> FunctionDeclaration {
        let description = Some("d".repeat(2000));
        declaration(&Listed {
            name: name.to_owned(),
            description,
            input_schema: schema,
            annotations: json!(null),
        })
    }

    #[test]
    fn names_and_descriptions_take_the_form_that_model_servers_take() {
        assert_eq!(declared("files.read/any", json!({})).name, "files_read_any");
        assert_eq!(declared("", json!({})).name, "tool");
        assert_eq!(declared(&"x".repeat(99), json!({})).name.len(), 64);
        assert_eq!(declared("f", json!({})).description.map(|text| text.chars().count()), Some(1024));
    }

    #[test]
    fn a_schema_that_is_none_of_an_object_is_not_handed_on() {
        let empty = json!({"type": "object", "properties": {}});
        for lie in
            [json!({}), json!({"type": "banana"}), json!([]), json!({"type": "object", "properties": 7})]
        {
            assert_eq!(declared("f", lie).parameters, empty);
        }
        let large = json!({"type": "object", "properties": {"a": {"description": "d".repeat(70_000)}}});
        assert_eq!(declared("f", large).parameters, empty);
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
        assert_eq!(declared("f", schema.clone()).parameters, schema);
    }
}
