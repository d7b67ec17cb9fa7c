//! Whether arguments fit the schema that a model was given, and if not, in words from which it can mend them.

use std::fmt;

use jsonschema::Draft;
use serde_json::{Map, Value};

/// How many things are told at once.
const MOST_TOLD: usize = 5;
/// The longest word about one of them.
const LONGEST: usize = 300;

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit(Vec<String>);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The arguments do not fit what the function takes: {}. Mend them and call again.",
            self.0.join("; ")
        )
    }
}

/// Checks arguments. A schema that is none itself lets everything pass: the service will judge.
pub(super) fn check(schema: &Value, arguments: &Map<String, Value>) -> Result<(), Unfit> {
    let Ok(validator) = jsonschema::options().with_draft(Draft::Draft202012).build(schema) else {
        return Ok(());
    };
    let arguments = Value::Object(arguments.clone());
    let errors = validator.iter_errors(&arguments).take(MOST_TOLD);
    let told: Vec<_> = errors
        .map(|error| {
            let mut words = match error.instance_path().to_string() {
                at if at.is_empty() => error.to_string(),
                at => format!("at {at}: {error}"),
            };
            words.truncate(words.floor_char_boundary(LONGEST));
            words
        })
        .collect();
    if told.is_empty() { Ok(()) } else { Err(Unfit(told)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_told_what_does_not_fit_and_where() {
        let schema = json!({
            "type": "object",
            "properties": {"limit": {"type": "integer", "maximum": 10}, "kind": {"enum": ["a", "b"]}},
            "required": ["kind"], "additionalProperties": false,
        });
        let unfit =
            |arguments: Value| check(&schema, arguments.as_object().unwrap()).unwrap_err().to_string();
        assert!(unfit(json!({"limit": "many", "kind": "a"})).contains("at /limit: \"many\" is not of type"));
        assert!(unfit(json!({"limit": 5})).contains("\"kind\" is a required property"));
        assert!(unfit(json!({"kind": "c"})).contains("at /kind"));
        assert!(unfit(json!({"kind": "a", "limt": 5})).contains("limt"));
        check(&schema, json!({"kind": "a", "limit": 5}).as_object().unwrap()).unwrap();
    }

    #[test]
    fn a_schema_that_is_none_lets_everything_pass() {
        check(&json!({"type": "nonsense"}), json!({"a": 1}).as_object().unwrap()).unwrap();
    }
}
