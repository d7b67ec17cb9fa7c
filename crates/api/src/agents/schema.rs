//! Whether a value is what a JSON schema asks for: the keywords that describe inputs. What is not known
//! here asks for nothing, as the specification has it for unknown keywords.

use serde_json::{Map, Value};

/// The first thing about `value` that is not as the schema asks. `path` is where the value stands.
pub fn problem(path: &str, value: &Value, schema: &Map<String, Value>) -> Option<Problem> {
    schema.iter().find_map(|(keyword, asked)| broken(path, value, keyword, asked, schema))
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the value at fault.
    pub path: String,
    /// What was asked for.
    pub expected: String,
}

fn broken(
    path: &str,
    value: &Value,
    keyword: &str,
    asked: &Value,
    schema: &Map<String, Value>,
) -> Option<Problem> {
    let unless =
        |holds: bool, expected: String| (!holds).then(|| Problem { path: path.to_owned(), expected });
    let length = || value.as_str().map(|text| text.chars().count() as u64);
    let count = || value.as_array().map(|list| list.len() as u64);
    match keyword {
        "type" => unless(is_of_type(value, asked), format!("a value of type {}", words(asked))),
        "enum" => {
            let known = asked.as_array()?;
            unless(known.contains(value), format!("one of {}", words(asked)))
        }
        "const" => unless(value == asked, format!("the value {asked}")),
        "minLength" => unless(length()? >= asked.as_u64()?, format!("at least {asked} characters")),
        "maxLength" => unless(length()? <= asked.as_u64()?, format!("at most {asked} characters")),
        "minimum" => unless(value.as_f64()? >= asked.as_f64()?, format!("a number of at least {asked}")),
        "maximum" => unless(value.as_f64()? <= asked.as_f64()?, format!("a number of at most {asked}")),
        "exclusiveMinimum" => unless(value.as_f64()? > asked.as_f64()?, format!("a number above {asked}")),
        "exclusiveMaximum" => unless(value.as_f64()? < asked.as_f64()?, format!("a number below {asked}")),
        "minItems" => unless(count()? >= asked.as_u64()?, format!("at least {asked} entries")),
        "maxItems" => unless(count()? <= asked.as_u64()?, format!("at most {asked} entries")),
        "items" => {
            let asked = asked.as_object()?;
            let list = value.as_array()?.iter().enumerate();
            list.into_iter().find_map(|(index, entry)| problem(&format!("{path}[{index}]"), entry, asked))
        }
        "required" => {
            let object = value.as_object()?;
            let missing =
                asked.as_array()?.iter().filter_map(Value::as_str).find(|name| !object.contains_key(*name));
            missing.map(|name| Problem { path: format!("{path}.{name}"), expected: "a value".to_owned() })
        }
        "properties" => {
            let object = value.as_object()?;
            asked.as_object()?.iter().find_map(|(name, asked)| {
                problem(&format!("{path}.{name}"), object.get(name)?, asked.as_object()?)
            })
        }
        "additionalProperties" if *asked == Value::Bool(false) => {
            let known = schema.get("properties").and_then(Value::as_object);
            let extra =
                value.as_object()?.keys().find(|name| known.is_none_or(|known| !known.contains_key(*name)));
            extra.map(|name| Problem { path: format!("{path}.{name}"), expected: "no such field".to_owned() })
        }
        "allOf" => asked.as_array()?.iter().find_map(|asked| problem(path, value, asked.as_object()?)),
        "anyOf" | "oneOf" => {
            let fitting = matching(path, value, asked.as_array()?);
            let holds = if keyword == "oneOf" { fitting == 1 } else { fitting > 0 };
            unless(holds, format!("a value that fits the schema's {keyword}"))
        }
        _ => None,
    }
}

fn matching(path: &str, value: &Value, schemas: &[Value]) -> usize {
    let schemas = schemas.iter().filter_map(Value::as_object);
    schemas.filter(|schema| problem(path, value, schema).is_none()).count()
}

fn is_of_type(value: &Value, asked: &Value) -> bool {
    match asked {
        Value::String(kind) => match kind.as_str() {
            "string" => value.is_string(),
            "number" => value.is_number(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            _ => true,
        },
        Value::Array(kinds) => kinds.iter().any(|kind| is_of_type(value, kind)),
        _ => true,
    }
}

fn words(asked: &Value) -> String {
    let word = |value: &Value| match value {
        Value::String(word) => format!("'{word}'"),
        other => other.to_string(),
    };
    match asked {
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(", "),
        one => word(one),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: Value, schema: Value) -> Option<(String, String)> {
        let problem = problem("v", &value, schema.as_object().expect("is an object"))?;
        Some((problem.path, problem.expected))
    }

    fn at(path: &str, expected: &str) -> Option<(String, String)> {
        Some((path.to_owned(), expected.to_owned()))
    }

    #[test]
    fn types_and_values_are_checked() {
        assert_eq!(found(json!("x"), json!({"type": "string"})), None);
        assert_eq!(found(json!(2.0), json!({"type": "integer"})), None);
        assert_eq!(found(json!(null), json!({"type": ["string", "null"]})), None);
        assert_eq!(found(json!(3), json!({"type": "string"})), at("v", "a value of type 'string'"));
        assert_eq!(found(json!("c"), json!({"enum": ["a", "b"]})), at("v", "one of 'a', 'b'"));
        assert_eq!(found(json!(11), json!({"maximum": 10})), at("v", "a number of at most 10"));
        assert_eq!(found(json!("äö"), json!({"minLength": 3})), at("v", "at least 3 characters"));
    }

    #[test]
    fn what_is_inside_is_named_by_its_path() {
        let schema = json!({
            "type": "object",
            "properties": {"names": {"type": "array", "items": {"type": "string"}}},
            "required": ["names"],
            "additionalProperties": false,
        });
        assert_eq!(found(json!({"names": ["a"]}), schema.clone()), None);
        assert_eq!(
            found(json!({"names": ["a", 1]}), schema.clone()),
            at("v.names[1]", "a value of type 'string'")
        );
        assert_eq!(found(json!({}), schema.clone()), at("v.names", "a value"));
        assert_eq!(found(json!({"names": [], "x": 1}), schema), at("v.x", "no such field"));
    }

    #[test]
    fn alternatives_are_tried() {
        let schema = |keyword: &str| json!({keyword: [{"type": "string"}, {"minimum": 5}]});
        assert_eq!(found(json!(7), schema("anyOf")), None);
        assert_eq!(found(json!(1), schema("anyOf")), at("v", "a value that fits the schema's anyOf"));
        assert_eq!(found(json!(1), schema("allOf")), at("v", "a value of type 'string'"));
    }
}
