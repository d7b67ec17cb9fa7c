//! Schemas as a model is given them: without references, in the words of JSON Schema, and not without end.

use serde_json::{Map, Value, json};

use super::pointer::{reference, target};

/// How deep references may lead into each other.
const DEEPEST: usize = 12;
/// How many places a schema may have once all references are written out. What is behind them says nothing.
const MOST_PLACES: usize = 4_000;

/// Keywords whose value is a schema.
const ONE: &[&str] =
    &["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"];
/// Keywords whose value is a list of schemas.
const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is a table of schemas by name.
const TABLE: &[&str] = &["properties", "patternProperties", "dependentSchemas"];
/// Keywords that say nothing to a model, or name what is no longer there.
const LEFT_OUT: &[&str] = &[
    "$id",
    "$schema",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$defs",
    "$comment",
    "definitions",
    "discriminator",
    "xml",
    "externalDocs",
    "nullable",
    "example",
];

/// Writes schemas out.
pub(super) struct Writer<'d> {
    document: &'d Value,
    /// The references that are being written out.
    within: Vec<&'d str>,
    places: usize,
}

impl<'d> Writer<'d> {
    pub(super) fn new(document: &'d Value) -> Self {
        Self { document, within: Vec::new(), places: 0 }
    }

    /// The schema, written out.
    pub(super) fn write(&mut self, schema: &'d Value) -> Value {
        self.places += 1;
        if self.places > MOST_PLACES {
            return json!({});
        }
        let Value::Object(given) = schema else {
            // `true` and `false` are schemas, anything else is none.
            return if schema.is_boolean() { schema.clone() } else { json!({}) };
        };
        match reference(schema) {
            Some(reference) => self.write_referenced(reference, given),
            None => Value::Object(self.write_keywords(given)),
        }
    }

    fn write_referenced(&mut self, reference: &'d str, beside: &'d Map<String, Value>) -> Value {
        let is_circle = self.within.contains(&reference);
        let meant = target(self.document, reference).filter(|_| !is_circle && self.within.len() < DEEPEST);
        let Some(meant) = meant else {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return json!({"description": format!("A further {name}.")});
        };
        self.within.push(reference);
        let mut written = self.write(meant);
        self.within.pop();
        // What stands beside a reference says more about this place.
        if let Value::Object(written) = &mut written {
            written.extend(self.write_keywords(beside));
        }
        written
    }

    fn write_keywords(&mut self, given: &'d Map<String, Value>) -> Map<String, Value> {
        let mut written = Map::new();
        for (keyword, value) in given {
            let keyword = keyword.as_str();
            if keyword == "$ref" || LEFT_OUT.contains(&keyword) || keyword.starts_with("x-") {
                continue;
            }
            let value = match value {
                Value::Object(table) if TABLE.contains(&keyword) => self.write_table(table),
                Value::Array(list) if LIST.contains(&keyword) => {
                    Value::Array(list.iter().map(|schema| self.write(schema)).collect())
                }
                value if ONE.contains(&keyword) => self.write(value),
                value => value.clone(),
            };
            written.insert(keyword.to_owned(), value);
        }
        translate_bounds(&mut written);
        if given.get("nullable") == Some(&Value::Bool(true)) {
            allow_null(&mut written);
        }
        written
    }

    fn write_table(&mut self, table: &'d Map<String, Value>) -> Value {
        let entries = table.iter().map(|(name, schema)| (name.clone(), self.write(schema)));
        Value::Object(entries.collect())
    }
}

/// OpenAPI 3.0 says that a bound is exclusive beside it, JSON Schema in its place.
fn translate_bounds(schema: &mut Map<String, Value>) {
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match schema.get(exclusive) {
            Some(Value::Bool(true)) => match schema.shift_remove(bound) {
                Some(value) => _ = schema.insert(exclusive.to_owned(), value),
                None => _ = schema.shift_remove(exclusive),
            },
            Some(Value::Bool(false)) => _ = schema.shift_remove(exclusive),
            _ => {}
        }
    }
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(kind @ Value::String(_)) = schema.get("type") {
        let kinds = json!([kind, "null"]);
        schema.insert("type".to_owned(), kinds);
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum")
        && !words.contains(&Value::Null)
    {
        words.push(Value::Null);
    }
}

/// Takes out what only answers have.
pub(super) fn without_read_only(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    let mut gone = Vec::new();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, property| {
            let is_read_only = property.get("readOnly") == Some(&Value::Bool(true));
            gone.extend(is_read_only.then(|| name.clone()));
            !is_read_only
        });
        properties.values_mut().for_each(without_read_only);
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !gone.iter().any(|gone| name == gone));
    }
    for keyword in LIST {
        if let Some(Value::Array(list)) = schema.get_mut(*keyword) {
            list.iter_mut().for_each(without_read_only);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        without_read_only(items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(document: &Value) -> Value {
        Writer::new(document).write(&document["schema"])
    }

    #[test]
    fn references_are_written_out() {
        let document = json!({
            "schema": {"type": "object", "properties": {"pet": {"$ref": "#/pet", "description": "Which."}}},
            "pet": {"description": "A pet.", "allOf": [{"$ref": "#/named"}]},
            "named": {"properties": {"name": {"type": "string"}}},
        });
        let expected = json!({"type": "object", "properties": {"pet": {
            "description": "Which.", "allOf": [{"properties": {"name": {"type": "string"}}}],
        }}});
        assert_eq!(written(&document), expected);
    }

    #[test]
    fn a_circle_ends_with_a_word_about_what_would_follow() {
        let document = json!({
            "schema": {"$ref": "#/Node"},
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/Node"}}},
        });
        let expected = json!({"type": "object", "properties": {"next": {"description": "A further Node."}}});
        assert_eq!(written(&document), expected);
    }

    #[test]
    fn references_that_multiply_do_not_fill_the_memory() {
        let mut document = json!({"schema": {"$ref": "#/L0"}, "L11": {"type": "string"}});
        for level in 0..11 {
            let next: Vec<_> = (0..10).map(|_| json!({"$ref": format!("#/L{}", level + 1)})).collect();
            document[format!("L{level}")] = json!({"oneOf": next});
        }
        assert!(written(&document).to_string().len() < 100 * MOST_PLACES);
    }

    #[test]
    fn words_of_openapi_become_words_of_json_schema() {
        let document = json!({"schema": {
            "type": "integer", "nullable": true, "enum": [1, 2], "example": 1, "x-order": 3,
            "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false,
        }});
        let expected = json!({
            "type": ["integer", "null"], "enum": [1, 2, null], "exclusiveMinimum": 0, "maximum": 9,
        });
        assert_eq!(written(&document), expected);
    }

    #[test]
    fn properties_may_have_the_names_of_keywords() {
        let document = json!({"schema": {"properties": {
            "example": {"type": "string"}, "items": {"type": "integer"}, "nullable": {"type": "boolean"},
        }}});
        assert_eq!(written(&document), document["schema"]);
    }

    #[test]
    fn what_only_answers_have_is_left_out_of_requests() {
        let mut schema = json!({
            "properties": {"id": {"readOnly": true}, "tags": {"items": {"properties": {"at": {"readOnly": true}}}}},
            "required": ["id", "tags"],
        });
        without_read_only(&mut schema);
        let expected = json!({"properties": {"tags": {"items": {"properties": {}}}}, "required": ["tags"]});
        assert_eq!(schema, expected);
    }
}
