//! References within a document: `#/components/schemas/Pet`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How many references may lead from one to the next.
const LONGEST_CHAIN: usize = 16;

/// What a place of the document is, wherever its references lead; nothing where they lead nowhere.
pub(super) fn resolve<'d>(document: &'d Value, place: &'d Value) -> Option<&'d Value> {
    let mut place = place;
    for _ in 0..LONGEST_CHAIN {
        match reference(place) {
            Some(reference) => place = target(document, reference)?,
            None => return Some(place),
        }
    }
    None
}

/// The reference that stands in a place instead of what is meant.
pub(super) fn reference(place: &Value) -> Option<&str> {
    place.get("$ref").and_then(Value::as_str)
}

/// What a reference names. Other documents are never fetched.
pub(super) fn target<'d>(document: &'d Value, reference: &str) -> Option<&'d Value> {
    let pointer = reference.strip_prefix('#')?;
    let pointer: Cow<'_, str> = percent_decode_str(pointer).decode_utf8().ok()?;
    document.pointer(&pointer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_to_what_they_mean() {
        let document = json!({"a": {"$ref": "#/x~1y/b%20c"}, "x/y": {"b c": {"$ref": "#/d"}}, "d": 7});
        assert_eq!(resolve(&document, &document["a"]), Some(&json!(7)));
        assert_eq!(resolve(&document, &document["d"]), Some(&json!(7)));
    }

    #[test]
    fn references_that_lead_nowhere_or_in_a_circle_mean_nothing() {
        let document = json!({
            "gone": {"$ref": "#/none"}, "elsewhere": {"$ref": "http://a.example/b.json#/c"},
            "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"},
        });
        for name in ["gone", "elsewhere", "a", "b"] {
            assert_eq!(resolve(&document, &document[name]), None, "{name}");
        }
    }
}
