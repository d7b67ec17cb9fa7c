//! Parameters of an operation: where they go, and how their values are written there.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stays as it is in every part of an address.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What stays as it is in a query where reserved characters are allowed.
const RESERVED: &AsciiSet = &COMPONENT
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'[')
    .remove(b']')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';');

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Query,
    Header,
    Cookie,
}

impl Part {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "path" => Some(Self::Path),
            "query" => Some(Self::Query),
            "header" => Some(Self::Header),
            "cookie" => Some(Self::Cookie),
            _ => None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter<'d> {
    pub name: &'d str,
    pub part: Part,
    /// Its declaration.
    pub given: &'d Value,
}

impl<'d> Parameter<'d> {
    /// Reads a declaration; nothing where it declares what is not a parameter of the request.
    pub(super) fn read(given: &'d Value) -> Option<Self> {
        let name = given.get("name")?.as_str()?;
        let part = Part::of(given.get("in")?.as_str()?)?;
        // The document says these elsewhere.
        let is_other =
            ["accept", "content-type", "authorization"].contains(&name.to_ascii_lowercase().as_str());
        (part != Part::Header || !is_other).then_some(Self { name, part, given })
    }

    pub(super) fn is_required(&self) -> bool {
        self.part == Part::Path || self.given.get("required") == Some(&Value::Bool(true))
    }

    /// The schema of its value.
    pub(super) fn schema(&self) -> Option<&'d Value> {
        self.given.get("schema").or_else(|| self.content().and_then(|content| content.get("schema")))
    }

    /// What it is written as, where it has a type of content instead of a style.
    fn content(&self) -> Option<&'d Value> {
        self.given.get("content")?.as_object()?.values().next()
    }

    fn style(&self) -> &'d str {
        let usual = match self.part {
            Part::Path | Part::Header => "simple",
            Part::Query | Part::Cookie => "form",
        };
        self.given.get("style").and_then(Value::as_str).unwrap_or(usual)
    }

    fn explodes(&self) -> bool {
        self.given.get("explode").and_then(Value::as_bool).unwrap_or(self.style() == "form")
    }

    /// As a part of the path.
    pub(super) fn in_path(&self, value: &Value) -> String {
        let (prefix, separator, is_named) = match self.style() {
            "label" => (".", if self.explodes() { "." } else { "," }, false),
            "matrix" => (";", if self.explodes() { ";" } else { "," }, true),
            _ => ("", ",", false),
        };
        let encoded = |text: &str| encode(text, COMPONENT);
        match (value, is_named && self.explodes()) {
            (Value::Array(values), true) => {
                let each = values.iter().map(|value| format!("{}={}", self.name, encoded(&plain(value))));
                format!("{prefix}{}", each.collect::<Vec<_>>().join(separator))
            }
            (Value::Object(_), true) => {
                format!("{prefix}{}", self.joined(value, separator, "=", &encoded))
            }
            _ => {
                let between = if self.explodes() { "=" } else { "," };
                let name = if is_named { format!("{}=", self.name) } else { String::new() };
                format!("{prefix}{name}{}", self.joined(value, separator, between, &encoded))
            }
        }
    }

    /// As pairs of names and values of the query, encoded.
    pub(super) fn in_query(&self, value: &Value) -> Vec<(String, String)> {
        let set = match self.given.get("allowReserved") {
            Some(Value::Bool(true)) => RESERVED,
            _ => COMPONENT,
        };
        let name = encode(self.name, COMPONENT);
        let encoded = |text: &str| encode(text, set);
        if self.content().is_some() {
            return vec![(name, encoded(&value.to_string()))];
        }
        match (value, self.style(), self.explodes()) {
            (Value::Object(fields), "deepObject", _) => fields
                .iter()
                .map(|(field, value)| {
                    (format!("{name}%5B{}%5D", encode(field, COMPONENT)), encoded(&plain(value)))
                })
                .collect(),
            (Value::Object(fields), _, true) => fields
                .iter()
                .map(|(field, value)| (encode(field, COMPONENT), encoded(&plain(value))))
                .collect(),
            (Value::Array(values), _, true) => {
                values.iter().map(|value| (name.clone(), encoded(&plain(value)))).collect()
            }
            (value, style, false) => {
                let separator = match style {
                    "spaceDelimited" => "%20",
                    "pipeDelimited" => "%7C",
                    _ => ",",
                };
                vec![(name, self.joined(value, separator, separator, &encoded))]
            }
            (value, ..) => vec![(name, encoded(&plain(value)))],
        }
    }

    /// As the value of a header.
    pub(super) fn in_header(&self, value: &Value) -> String {
        if self.content().is_some() {
            return value.to_string();
        }
        let between = if self.explodes() { "=" } else { "," };
        self.joined(value, ",", between, &str::to_owned)
    }

    /// As one or more cookies.
    pub(super) fn in_cookie(&self, value: &Value) -> String {
        let pairs = self.in_query(value).into_iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The value in one text: elements, or names and values.
    fn joined(
        &self,
        value: &Value,
        separator: &str,
        between: &str,
        encoded: &dyn Fn(&str) -> String,
    ) -> String {
        let parts: Vec<String> = match value {
            Value::Array(values) => values.iter().map(|value| encoded(&plain(value))).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| format!("{}{between}{}", encoded(name), encoded(&plain(value))))
                .collect(),
            value => vec![encoded(&plain(value))],
        };
        parts.join(separator)
    }
}

/// A value as plain text; what has parts is JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

pub(super) fn encode(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// Encodes a text for any part of an address.
pub(super) fn encode_component(text: &str) -> String {
    encode(text, COMPONENT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn written(declared: Value, value: Value) -> String {
        let mut given = declared;
        given["name"] = json!("color");
        let parameter = Parameter::read(&given).unwrap();
        match parameter.part {
            Part::Path => parameter.in_path(&value),
            Part::Header => parameter.in_header(&value),
            Part::Cookie => parameter.in_cookie(&value),
            Part::Query => {
                let pairs = parameter.in_query(&value).into_iter();
                pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            }
        }
    }

    /// The table of the specification, row by row: a style, and what becomes of a text, a list and an object.
    #[test]
    fn values_are_written_as_the_specification_says() {
        for (part, style, explode, text, list, object) in [
            ("path", "matrix", false, ";color=blue", ";color=blue,black", ";color=R,100,G,200"),
            ("path", "matrix", true, ";color=blue", ";color=blue;color=black", ";R=100;G=200"),
            ("path", "label", false, ".blue", ".blue,black", ".R,100,G,200"),
            ("path", "label", true, ".blue", ".blue.black", ".R=100.G=200"),
            ("path", "simple", false, "blue", "blue,black", "R,100,G,200"),
            ("path", "simple", true, "blue", "blue,black", "R=100,G=200"),
            ("header", "simple", false, "blue", "blue,black", "R,100,G,200"),
            ("header", "simple", true, "blue", "blue,black", "R=100,G=200"),
            ("query", "form", false, "color=blue", "color=blue,black", "color=R,100,G,200"),
            ("query", "form", true, "color=blue", "color=blue&color=black", "R=100&G=200"),
            ("query", "spaceDelimited", false, "color=blue", "color=blue%20black", "color=R%20100%20G%20200"),
            ("query", "pipeDelimited", false, "color=blue", "color=blue%7Cblack", "color=R%7C100%7CG%7C200"),
            (
                "query",
                "deepObject",
                true,
                "color=blue",
                "color=blue&color=black",
                "color%5BR%5D=100&color%5BG%5D=200",
            ),
            ("cookie", "form", false, "color=blue", "color=blue,black", "color=R,100,G,200"),
        ] {
            let declared = json!({"in": part, "style": style, "explode": explode});
            let is = |value, expected: &str| {
                assert_eq!(written(declared.clone(), value), expected, "{part} {style} {explode}");
            };
            is(json!("blue"), text);
            is(json!(["blue", "black"]), list);
            is(json!({"R": 100, "G": 200}), object);
        }
    }

    #[test]
    fn nothing_in_a_value_leaves_its_place() {
        assert_eq!(written(json!({"in": "path"}), json!("a/b?c#d")), "a%2Fb%3Fc%23d");
        assert_eq!(written(json!({"in": "query"}), json!("a&b=c d")), "color=a%26b%3Dc%20d");
        let reserved = json!({"in": "query", "allowReserved": true});
        assert_eq!(written(reserved, json!("a/b&c#d")), "color=a/b%26c%23d");
    }

    #[test]
    fn a_parameter_with_content_is_written_as_json() {
        let declared = json!({"in": "query", "content": {"application/json": {"schema": {}}}});
        assert_eq!(written(declared, json!({"a": 1})), "color=%7B%22a%22%3A1%7D");
    }

    #[test]
    fn headers_that_the_document_says_elsewhere_are_no_parameters() {
        for name in ["Accept", "content-type", "Authorization"] {
            assert!(Parameter::read(&json!({"name": name, "in": "header"})).is_none(), "{name}");
        }
    }
}
