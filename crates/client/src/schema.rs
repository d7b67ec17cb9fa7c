//! JSON schemas in the plain form that models are told.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::Value;

/// The schema of `T`: everything in place, no `$schema`, no title, no formats of Rust's numbers.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .for_deserialize()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .with_transform(RecursiveTransform(drop_number_format));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.into()
}

/// `uint8` and the like are Rust's, not JSON Schema's; strict services refuse them.
fn drop_number_format(schema: &mut Schema) {
    let is_number = match schema.get("type") {
        Some(Value::String(kind)) => is_number(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(is_number),
        _ => false,
    };
    if is_number {
        schema.remove("format");
    }
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "integer" | "number")
}
