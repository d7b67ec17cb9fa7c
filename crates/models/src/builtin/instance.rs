//! Makes a JSON value that satisfies a JSON schema, with values from a text where they fit.

use regex::Regex;
use serde_json::{Map, Number, Value, json};

use super::hints::Hints;

/// Which properties that are not required are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optional {
    /// All of them, as far as they do not nest deeply.
    All,
    /// Those for which the text has a value.
    WithEvidence,
}

/// From this depth on the smallest value is taken, so that recursive schemas come to an end.
const DEEP: usize = 6;

/// Here even a required value is given up: no finite value satisfies the schema.
const BOTTOMLESS: usize = 48;

/// Makes values for one schema.
pub(crate) struct Generator<'a> {
    root: &'a Value,
    optional: Optional,
    hints: &'a mut Hints,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(root: &'a Value, optional: Optional, hints: &'a mut Hints) -> Self {
        Self { root, optional, hints }
    }

    pub(crate) fn generate(mut self) -> Value {
        let root = self.root.clone();
        self.value(&root, "", 0)
    }

    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > BOTTOMLESS {
            return Value::Null;
        }
        let schema = self.plain(schema, depth);
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return self
                .choice(values)
                .or_else(|| default_of(&schema))
                .or_else(|| values.first().cloned())
                .unwrap_or_default();
        }
        match kind(&schema, depth) {
            "object" => self.object(&schema, depth),
            "array" => self.array(&schema, name, depth),
            "integer" | "number" => self.number(&schema),
            "boolean" => default_of(&schema).filter(Value::is_boolean).unwrap_or(Value::Bool(true)),
            "null" => Value::Null,
            _ => Value::String(self.string(&schema, name)),
        }
    }

    /// A value that the text gives for this property, if it does.
    fn evidence(&mut self, schema: &Value, name: &str) -> Option<Value> {
        let schema = self.plain(schema, 0);
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return self.choice(values);
        }
        match kind(&schema, 0) {
            "integer" | "number" => self.number_from_text(&schema),
            // A default speaks for itself.
            "string" if schema.get("default").is_none() => {
                self.string_from_text(&schema, name, false).map(Value::String)
            }
            _ => None,
        }
    }

    /// The schema with references followed, one variant chosen and all parts joined.
    fn plain(&self, schema: &Value, depth: usize) -> Value {
        let mut schema = schema.clone();
        for _ in 0..BOTTOMLESS {
            let Value::Object(mut map) = schema else {
                return schema;
            };
            let next = if let Some(reference) = map.remove("$ref") {
                reference.as_str().and_then(|path| self.referenced(path))
            } else if let Some(Value::Array(parts)) = map.remove("allOf") {
                Some(parts.into_iter().fold(json!({}), |joined, part| join(joined, self.plain(&part, depth))))
            } else if let Some(Value::Array(variants)) = map.remove("anyOf").or_else(|| map.remove("oneOf")) {
                self.variant(variants, depth)
            } else {
                return Value::Object(map);
            };
            schema = join(Value::Object(map), next.unwrap_or_else(|| json!({})));
        }
        schema
    }

    fn referenced(&self, path: &str) -> Option<Value> {
        self.root.pointer(path.strip_prefix('#')?).cloned()
    }

    /// The first variant; where it is deep, one that ends.
    fn variant(&self, variants: Vec<Value>, depth: usize) -> Option<Value> {
        let ends = |variant: &&Value| {
            let plain_type = variant.get("type").and_then(Value::as_str);
            variant.get("$ref").is_none() && !matches!(plain_type, Some("object" | "array"))
        };
        let ending = (depth >= DEEP).then(|| variants.iter().find(ends)).flatten();
        ending.or_else(|| variants.first()).cloned()
    }

    /// The first of the values that the text mentions.
    fn choice(&mut self, values: &[Value]) -> Option<Value> {
        let mut texts = values.iter().filter_map(Value::as_str);
        let mentioned = texts.find(|text| self.hints.mentions(text))?;
        self.hints.use_up(mentioned);
        Some(Value::from(mentioned))
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = texts(schema.get("required"));
        let mut made = Map::new();
        // Required ones first: they have the first choice among the values in the text.
        for name in &required {
            let value = match properties.get(*name) {
                Some(property) => self.value(property, name, depth + 1),
                None => self.value(&additional(schema), name, depth + 1),
            };
            made.insert((*name).to_owned(), value);
        }
        for (name, property) in properties.iter().filter(|(name, _)| !required.contains(&name.as_str())) {
            let value = match self.optional {
                Optional::All if depth < DEEP / 2 => Some(self.value(property, name, depth + 1)),
                Optional::All => None,
                Optional::WithEvidence => self.evidence(property, name),
            };
            made.extend(value.map(|value| (name.clone(), value)));
        }
        self.fill_up(schema, &mut made, depth);
        in_order(properties, made)
    }

    /// Adds properties until there are `minProperties`.
    fn fill_up(&mut self, schema: &Value, made: &mut Map<String, Value>, depth: usize) {
        let least = count(schema, "minProperties").unwrap_or(0);
        for number in 1.. {
            if made.len() >= least {
                return;
            }
            let name = format!("property{number}");
            let value = self.value(&additional(schema), &name, depth + 1);
            made.entry(name).or_insert(value);
        }
    }

    fn array(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = count(schema, "minItems").unwrap_or(0);
        let most = count(schema, "maxItems").unwrap_or(usize::MAX);
        let wanted = if depth >= DEEP { least } else { least.max(1).min(most) };
        let firsts = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let rest = schema.get("items").cloned().unwrap_or_else(|| json!({}));
        let wanted = if rest == Value::Bool(false) { firsts.len().min(most) } else { wanted };
        let distinct = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let mut items: Vec<Value> = Vec::new();
        for at in 0..wanted {
            let item_schema = firsts.get(at).unwrap_or(&rest);
            let item = self.value(item_schema, name, depth + 1);
            let taken = distinct && items.contains(&item);
            items.push(if taken { self.another(item_schema, item, &items) } else { item });
        }
        while firsts.is_empty() && items.len() < most && depth < DEEP {
            let Some(item) = self.evidence(&rest, name).filter(|item| !items.contains(item)) else {
                break;
            };
            items.push(item);
        }
        Value::Array(items)
    }

    /// A value like `item` that is not among `taken`.
    fn another(&self, schema: &Value, item: Value, taken: &[Value]) -> Value {
        let schema = self.plain(schema, 0);
        let candidates: Vec<Value> = match (schema.get("enum").and_then(Value::as_array), &item) {
            (Some(values), _) => values.clone(),
            (None, Value::Bool(value)) => vec![Value::Bool(!value)],
            (None, Value::Number(_)) => {
                let step = schema.get("multipleOf").and_then(Value::as_f64).unwrap_or(1.0);
                let start = item.as_f64().unwrap_or(0.0);
                let around =
                    (1..=taken.len()).flat_map(|n| [start + step * n as f64, start - step * n as f64]);
                around
                    .filter(|value| fits_number(&schema, *value))
                    .map(|value| number(value, &schema))
                    .collect()
            }
            (None, Value::String(text)) => (2..=taken.len() + 1)
                .map(|n| sized(&schema, &format!("{n} {text}")))
                .map(Value::String)
                .collect(),
            _ => Vec::new(),
        };
        candidates.into_iter().find(|candidate| !taken.contains(candidate)).unwrap_or(item)
    }

    fn number(&mut self, schema: &Value) -> Value {
        let from_text = self.number_from_text(schema);
        from_text
            .or_else(|| default_of(schema).filter(Value::is_number))
            .unwrap_or_else(|| fitting_number(schema))
    }

    fn number_from_text(&mut self, schema: &Value) -> Option<Value> {
        self.hints.number(|value| fits_number(schema, value)).map(|value| number(value, schema))
    }

    fn string(&mut self, schema: &Value, name: &str) -> String {
        if let Some(found) = self.string_from_text(schema, name, true) {
            return found;
        }
        if let Some(text) = default_of(schema).and_then(|value| value.as_str().map(str::to_owned)) {
            return text;
        }
        let whole_text = self.hints.text().trim();
        if takes_whole_text(name) && !whole_text.is_empty() && fits_string(schema, whole_text) {
            return whole_text.to_owned();
        }
        if let Some(example) = format_example(text(schema, "format")) {
            return example.to_owned();
        }
        let placeholder = sized(schema, if name.is_empty() { "example" } else { name });
        let samples = PATTERN_SAMPLES.iter().map(|sample| (*sample).to_owned());
        [placeholder.clone()]
            .into_iter()
            .chain(samples)
            .find(|text| fits_string(schema, text))
            .unwrap_or(placeholder)
    }

    fn string_from_text(&mut self, schema: &Value, name: &str, any: bool) -> Option<String> {
        let format = text(schema, "format");
        if let Some(found) = self.hints.formed(name, format).filter(|found| fits_string(schema, found)) {
            return Some(found);
        }
        // A city is no date: what has a format takes only what has that form.
        if !format.is_empty() {
            return None;
        }
        if takes_whole_text(name) {
            return self.hints.quote();
        }
        self.hints.phrase(name, any, |phrase| fits_string(schema, phrase))
    }
}

const PATTERN_SAMPLES: &[&str] =
    &["a", "A", "abc", "ABC", "1", "12", "123", "1234", "12345", "abc123", "A1", "2026-01-01", "a-b", "a_b"];

/// Parameters for which the user's text itself is the likely value.
fn takes_whole_text(name: &str) -> bool {
    let name = name.to_lowercase();
    let words =
        ["query", "question", "text", "message", "prompt", "input", "content", "body", "request", "topic"];
    name == "q" || words.iter().any(|word| name.contains(word))
}

fn kind(schema: &Value, depth: usize) -> &str {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            let null = depth >= DEEP && names.clone().any(|name| name == "null");
            if null { Some("null") } else { names.find(|name| *name != "null").or(Some("null")) }
        }
        _ => None,
    };
    named.unwrap_or_else(|| {
        let has = |keys: &[&str]| keys.iter().any(|key| schema.get(key).is_some());
        if has(&["properties", "required", "additionalProperties"]) {
            "object"
        } else if has(&["items", "prefixItems", "minItems"]) {
            "array"
        } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
            "number"
        } else {
            "string"
        }
    })
}

/// Both schemas at once: objects by key, `required` as a union, otherwise the second one counts.
fn join(first: Value, second: Value) -> Value {
    let (Value::Object(mut joined), Value::Object(second)) = (first, second) else {
        return json!({});
    };
    for (key, value) in second {
        let value = match (joined.remove(&key), value) {
            (Some(Value::Object(mut old)), Value::Object(new)) if key == "properties" => {
                old.extend(new);
                Value::Object(old)
            }
            (Some(Value::Array(mut old)), Value::Array(new)) if key == "required" => {
                old.extend(new);
                Value::Array(old)
            }
            (_, value) => value,
        };
        joined.insert(key, value);
    }
    Value::Object(joined)
}

fn in_order(properties: &Map<String, Value>, mut made: Map<String, Value>) -> Value {
    let mut ordered = Map::new();
    for name in properties.keys() {
        if let Some(value) = made.remove(name) {
            ordered.insert(name.clone(), value);
        }
    }
    ordered.extend(made);
    Value::Object(ordered)
}

fn additional(schema: &Value) -> Value {
    schema.get("additionalProperties").filter(|value| value.is_object()).cloned().unwrap_or_else(|| json!({}))
}

fn default_of(schema: &Value) -> Option<Value> {
    schema.get("default").cloned()
}

fn text<'v>(schema: &'v Value, key: &str) -> &'v str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn count(schema: &Value, key: &str) -> Option<usize> {
    schema.get(key)?.as_u64()?.try_into().ok()
}

/// A bound of a number.
#[derive(Clone, Copy)]
struct Bound {
    at: f64,
    /// Whether the bound itself is allowed.
    included: bool,
}

/// Lower and upper bound of a number.
fn bounds(schema: &Value) -> (Option<Bound>, Option<Bound>) {
    let bound = |key: &str, included| {
        let at = schema.get(key).and_then(Value::as_f64)?;
        Some(Bound { at, included })
    };
    let low = bound("exclusiveMinimum", false).or(bound("minimum", true));
    let high = bound("exclusiveMaximum", false).or(bound("maximum", true));
    (low, high)
}

fn fits_number(schema: &Value, value: f64) -> bool {
    let (low, high) = bounds(schema);
    let step = schema.get("multipleOf").and_then(Value::as_f64);
    (kind(schema, 0) != "integer" || value.fract() == 0.0)
        && low.is_none_or(|low| value > low.at || (low.included && value == low.at))
        && high.is_none_or(|high| value < high.at || (high.included && value == high.at))
        && step.is_none_or(|step| (value / step).fract() == 0.0)
}

/// A number within the bounds, one if that is possible.
fn fitting_number(schema: &Value) -> Value {
    let (low, high) = bounds(schema);
    let integer = kind(schema, 0) == "integer";
    let step = schema.get("multipleOf").and_then(Value::as_f64).or(integer.then_some(1.0));
    let mut candidates = vec![1.0, 0.0];
    let grid = step.unwrap_or(1.0);
    if let Some(Bound { at, .. }) = low {
        candidates.extend([at, (at / grid).ceil() * grid, ((at / grid).floor() + 1.0) * grid]);
    }
    if let Some(Bound { at, .. }) = high {
        candidates.extend([at, (at / grid).floor() * grid, ((at / grid).ceil() - 1.0) * grid]);
    }
    if let (Some(low), Some(high)) = (low, high) {
        candidates.push(f64::midpoint(low.at, high.at));
    }
    candidates.extend(step);
    let fitting = candidates.into_iter().find(|value| fits_number(schema, *value));
    number(fitting.unwrap_or(0.0), schema)
}

fn number(value: f64, schema: &Value) -> Value {
    let whole = value.fract() == 0.0 && value.abs() < 9e15;
    if whole && (kind(schema, 0) == "integer" || value != 0.0 || value.is_sign_positive()) {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::from(0), Value::Number)
}

fn fits_string(schema: &Value, text: &str) -> bool {
    let length = text.chars().count();
    let pattern = schema.get("pattern").and_then(Value::as_str).and_then(|pattern| Regex::new(pattern).ok());
    count(schema, "minLength").is_none_or(|least| length >= least)
        && count(schema, "maxLength").is_none_or(|most| length <= most)
        && pattern.is_none_or(|pattern| pattern.is_match(text))
}

/// The text, padded or cut to the schema's length.
fn sized(schema: &Value, text: &str) -> String {
    let least = count(schema, "minLength").unwrap_or(0);
    let most = count(schema, "maxLength").unwrap_or(usize::MAX);
    let padding = std::iter::repeat_n('x', least.saturating_sub(text.chars().count()));
    text.chars().chain(padding).take(most).collect()
}

fn format_example(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "2026-01-01",
        "time" => "12:00:00Z",
        "date-time" => "2026-01-01T12:00:00Z",
        "duration" => "PT1H",
        "email" => "user@example.com",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "uri" | "url" => "https://example.com/",
        _ => return None,
    })
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
