//! Values from texts, and for random schemas a value that a small independent checker accepts.

use proptest::prelude::*;

use super::*;

fn arguments(schema: Value, text: &str) -> Value {
    Generator::new(&schema, Optional::WithEvidence, &mut Hints::read(text)).generate()
}

fn answer(schema: Value) -> Value {
    Generator::new(&schema, Optional::All, &mut Hints::default()).generate()
}

#[test]
fn arguments_come_from_the_text() {
    let schema = json!({
        "type": "object",
        "properties": {
            "location": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer", "default": 1},
            "language": {"type": "string", "default": "en"},
        },
        "required": ["location"],
    });
    assert_eq!(
        arguments(schema.clone(), "Weather in New York in Fahrenheit for the next 3 days?"),
        json!({"location": "New York", "unit": "fahrenheit", "days": 3})
    );
    assert_eq!(arguments(schema, "And the weather?"), json!({"location": "location"}));
}

#[test]
fn a_function_without_parameters_gets_an_empty_object() {
    assert_eq!(arguments(json!({"type": "object", "properties": {}}), "What time is it in Rome?"), json!({}));
}

#[test]
fn numbers_and_lists_of_numbers_are_filled() {
    let two =
        json!({"properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]});
    assert_eq!(arguments(two, "add 2.5 and 4"), json!({"a": 2.5, "b": 4}));
    let list =
        json!({"properties": {"n": {"type": "array", "items": {"type": "integer"}}}, "required": ["n"]});
    assert_eq!(arguments(list, "sum up 1, 2 and 3"), json!({"n": [1, 2, 3]}));
}

#[test]
fn a_question_is_taken_whole() {
    let schema = json!({"properties": {"query": {"type": "string"}}, "required": ["query"]});
    assert_eq!(arguments(schema, "Who wrote Faust?"), json!({"query": "Who wrote Faust?"}));
}

#[test]
fn a_text_that_the_schema_refuses_is_not_taken() {
    let schema =
        json!({"properties": {"code": {"type": "string", "pattern": "^[A-Z]{3}$"}}, "required": ["code"]});
    assert_eq!(arguments(schema.clone(), "rate for \"EUR\""), json!({"code": "EUR"}));
    assert_eq!(arguments(schema, "rate for Rome"), json!({"code": "ABC"}));
}

#[test]
fn references_variants_and_joined_schemas_are_followed() {
    let schema = json!({
        "type": "object",
        "properties": {
            "step": {"$ref": "#/$defs/step"},
            "either": {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "string"}]},
            "both": {"allOf": [
                {"properties": {"a": {"const": 1}}, "required": ["a"]},
                {"properties": {"b": {"type": "null"}}, "required": ["b"]},
            ]},
            "maybe": {"type": ["null", "boolean"]},
        },
        "required": ["step", "either", "both", "maybe"],
        "$defs": {"step": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
    });
    assert_eq!(
        answer(schema),
        json!({"step": {"n": 1}, "either": 5, "both": {"a": 1, "b": null}, "maybe": true})
    );
}

#[test]
fn a_recursive_schema_comes_to_an_end() {
    let schema = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {
            "type": "object",
            "properties": {
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["next", "children"],
        }},
    });
    let text = answer(schema).to_string();
    assert!(text.contains(r#""next":null"#) && text.contains(r#""children":[]"#), "{text}");
    assert_eq!(answer(json!({"$ref": "#"})), Value::String("example".into()));
}

#[test]
fn distinct_items_are_distinct() {
    let colours =
        json!({"type": "array", "uniqueItems": true, "minItems": 2, "items": {"enum": ["red", "blue"]}});
    assert_eq!(answer(colours), json!(["red", "blue"]));
    let numbers = json!({"type": "array", "uniqueItems": true, "minItems": 3, "items": {"type": "integer"}});
    assert_eq!(answer(numbers), json!([1, 2, 0]));
}

/// Checks the keywords that the strategy below uses.
fn satisfies(value: &Value, schema: &Value, root: &Value) -> bool {
    let at = |key: &str| schema.get(key);
    if let Some(path) = at("$ref").and_then(Value::as_str) {
        return root.pointer(&path[1..]).is_some_and(|schema| satisfies(value, schema, root));
    }
    if let Some(variants) = at("anyOf").and_then(Value::as_array) {
        return variants.iter().any(|schema| satisfies(value, schema, root));
    }
    if let Some(values) = at("enum").and_then(Value::as_array) {
        return values.contains(value);
    }
    let number = |key: &str| at(key).and_then(Value::as_f64);
    let size_fits = |size: usize, least: &str, most: &str| {
        number(least).is_none_or(|least| size as f64 >= least)
            && number(most).is_none_or(|most| size as f64 <= most)
    };
    match (at("type").and_then(Value::as_str), value) {
        (Some("boolean"), Value::Bool(_)) | (Some("null"), Value::Null) => true,
        (Some("string"), Value::String(text)) => size_fits(text.chars().count(), "minLength", "maxLength"),
        (Some(kind @ ("integer" | "number")), Value::Number(value)) => {
            let value = value.as_f64().unwrap_or(f64::NAN);
            (kind == "number" || value.fract() == 0.0)
                && number("minimum").is_none_or(|least| value >= least)
                && number("maximum").is_none_or(|most| value <= most)
                && number("multipleOf").is_none_or(|step| (value / step).fract() == 0.0)
        }
        (Some("array"), Value::Array(items)) => {
            size_fits(items.len(), "minItems", "maxItems")
                && items.iter().all(|item| at("items").is_none_or(|schema| satisfies(item, schema, root)))
        }
        (Some("object"), Value::Object(map)) => {
            let properties = at("properties").and_then(Value::as_object);
            texts(at("required")).iter().all(|name| map.contains_key(*name))
                && map.iter().all(|(name, value)| match properties.and_then(|all| all.get(name)) {
                    Some(schema) => satisfies(value, schema, root),
                    None => at("additionalProperties") != Some(&Value::Bool(false)),
                })
        }
        _ => false,
    }
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"enum": ["red", 2, null]})),
        Just(json!({"$ref": "#/$defs/shared"})),
        (0..20usize, 0..20usize).prop_map(|(least, more)| {
            json!({"type": "string", "minLength": least, "maxLength": least + more})
        }),
        (-50..50i64, 0..9i64).prop_map(|(least, more)| {
            json!({"type": "integer", "minimum": least, "maximum": least + more})
        }),
        (-50..50i64, 1..9i64)
            .prop_map(|(least, step)| { json!({"type": "integer", "minimum": least, "multipleOf": step}) }),
        (-50..50i64).prop_map(|most| json!({"type": "number", "maximum": most})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..4usize, 0..3usize).prop_map(|(items, least, more)| {
                json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})
            }),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|variants| json!({"anyOf": variants})),
            (prop::collection::btree_map("[a-d]", (inner, any::<bool>()), 0..4), any::<bool>()).prop_map(
                |(properties, open)| {
                    let required: Vec<_> =
                        properties.iter().filter(|(_, p)| p.1).map(|(name, _)| name).collect();
                    let schemas: Map<String, Value> =
                        properties.iter().map(|(name, (schema, _))| (name.clone(), schema.clone())).collect();
                    json!({"type": "object", "properties": schemas, "required": required,
                           "additionalProperties": open})
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn a_generated_value_satisfies_its_schema(
        mut root in schemas(),
        text in "[A-Za-z0-9 ,.]{0,40}",
        all: bool,
    ) {
        root["$defs"] = json!({"shared": {"type": "object", "properties": {"n": {"type": "integer"}},
                                          "required": ["n"], "additionalProperties": false}});
        let optional = if all { Optional::All } else { Optional::WithEvidence };
        let value = Generator::new(&root, optional, &mut Hints::read(&text)).generate();
        prop_assert!(satisfies(&value, &root, &root), "{value} for {root}");
    }
}
