//! Texts and JSON values with `{{…}}` in them.
//! Known are `{{user}}`, `{{tool_output}}`, `{{model}}`, captures by number or name, each also with `|json`.

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What templates are filled with.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<String, String>);

impl Values {
    pub(super) fn new(user: &str, tool_output: &str, model: &str) -> Self {
        let named = [("user", user), ("tool_output", tool_output), ("model", model)];
        Self(named.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    pub(super) fn set_tool_output(&mut self, output: &str) {
        self.0.insert("tool_output".into(), output.to_owned());
    }

    /// Takes over what a regex captured; 0 is the whole match.
    pub(super) fn capture(&mut self, regex: &Regex, captures: &Captures<'_>) {
        for (at, name) in regex.capture_names().enumerate() {
            let value = captures.get(at).map_or("", |found| found.as_str()).to_owned();
            if let Some(name) = name {
                self.0.insert(name.to_owned(), value.clone());
            }
            self.0.insert(at.to_string(), value);
        }
    }

    /// A name that nothing has a value for is empty, like a group that did not take part.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// A text with `{{…}}` in it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Value { name: String, as_json: bool },
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) =
                after.split_once("}}").ok_or_else(|| format!("`{{{{` without `}}}}` in \"{text}\""))?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(value(inside)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

fn value(inside: &str) -> Result<Piece, String> {
    let (name, filter) =
        inside.split_once('|').map_or((inside, None), |(name, filter)| (name, Some(filter.trim())));
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!(
            "`{{{{{inside}}}}}` is not a value; there are user, tool_output, model and captures"
        ));
    }
    match filter {
        None => Ok(Piece::Value { name: name.to_owned(), as_json: false }),
        Some("json") => Ok(Piece::Value { name: name.to_owned(), as_json: true }),
        Some(other) => Err(format!("`{other}` is not a filter; there is only `json`")),
    }
}

impl Template {
    /// The text with the values in it.
    pub(super) fn render(&self, values: &Values) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value { name, .. } => values.get(name).to_owned(),
        };
        self.0.iter().map(piece).collect()
    }

    /// `{{x|json}}` alone is the JSON value that `x` holds; anything else is a text.
    fn render_json(&self, values: &Values) -> Value {
        if let [Piece::Value { name, as_json: true }] = self.0.as_slice()
            && let Ok(value) = serde_json::from_str(values.get(name))
        {
            return value;
        }
        Value::String(self.render(values))
    }
}

/// A JSON value whose texts are templates.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub(super) enum JsonTemplate {
    Text(Template),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    Plain(Value),
}

impl Default for JsonTemplate {
    fn default() -> Self {
        Self::Object(Vec::new())
    }
}

impl TryFrom<Value> for JsonTemplate {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::try_from(text)?),
            Value::Array(list) => Self::List(list.into_iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Value::Object(map) => {
                let entries = map.into_iter().map(|(name, value)| Ok((name, Self::try_from(value)?)));
                Self::Object(entries.collect::<Result<_, String>>()?)
            }
            plain => Self::Plain(plain),
        })
    }
}

impl JsonTemplate {
    /// The value with the values in it.
    pub(super) fn render(&self, values: &Values) -> Value {
        match self {
            Self::Text(template) => template.render_json(values),
            Self::List(list) => list.iter().map(|item| item.render(values)).collect(),
            Self::Object(entries) => {
                let entries = entries.iter().map(|(name, value)| (name.clone(), value.render(values)));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            Self::Plain(value) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        let mut values = Values::new("hello", r#"{"degrees":21}"#, "gpt");
        let regex = Regex::new(r"order (?<id>\d+)").unwrap();
        values.capture(&regex, &regex.captures("my order 42").unwrap());
        values
    }

    #[test]
    fn values_are_put_into_texts() {
        let template = Template::try_from("{{user}}: {{ 1 }}/{{id}} of {{model}}{{9}}.".to_owned()).unwrap();
        assert_eq!(template.render(&values()), "hello: 42/42 of gpt.");
    }

    #[test]
    fn json_values_keep_their_type_where_that_is_asked_for() {
        let template = JsonTemplate::try_from(json!({
            "text": "{{1}}", "number": "{{1|json}}", "output": ["{{tool_output|json}}"], "plain": true,
            "not json": "{{user|json}}",
        }));
        let expected = json!({
            "text": "42", "number": 42, "output": [{"degrees": 21}], "plain": true, "not json": "hello",
        });
        assert_eq!(template.unwrap().render(&values()), expected);
    }

    #[test]
    fn broken_templates_are_refused() {
        for text in ["{{user", "{{}}", "{{a b}}", "{{user|upper}}"] {
            assert!(Template::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
