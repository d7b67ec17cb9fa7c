//! Templates: text with `{{name}}` and blocks, as the service has them.
//!
//! The service speaks Handlebars. What prompts use of it is small (values, `if`, `unless`, `each`), and
//! two rules here are not Handlebars' own: nothing is escaped for HTML, and a name that the agent does not
//! declare is left as it stands (`{{$userId}}` is for somebody else). Hence a renderer of its own.

use serde_json::{Map, Value};

use crate::ApiError;

/// How deep blocks may stand in each other.
const MAX_DEPTH: usize = 32;

/// A piece of a template.
#[derive(Debug, PartialEq)]
enum Piece<'t> {
    Text(&'t str),
    /// A value, and how it stood in the template.
    Value {
        path: &'t str,
        source: &'t str,
    },
    Block {
        kind: Block,
        path: &'t str,
        body: Vec<Piece<'t>>,
        otherwise: Vec<Piece<'t>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Block {
    If,
    Unless,
    Each,
}

impl Block {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "if" => Self::If,
            "unless" => Self::Unless,
            "each" => Self::Each,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
            Self::Each => "each",
        }
    }
}

/// Refuses a template whose blocks do not match.
pub fn check(param: &str, template: &str) -> Result<(), ApiError> {
    parse(template).map(drop).map_err(|problem| {
        ApiError::invalid(format!("Invalid '{param}': {problem}.")).code("invalid_payload").param(param)
    })
}

/// The text with the values in place. A template that can't be read is text.
pub fn render(template: &str, values: &Map<String, Value>) -> String {
    let Ok(pieces) = parse(template) else { return template.to_owned() };
    let mut out = String::with_capacity(template.len());
    write(&mut out, &pieces, &Scope { values, each: None });
    out
}

fn parse(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut reader = Reader { rest: template, depth: 0 };
    let (pieces, end) = reader.pieces()?;
    match end {
        End::Text => Ok(pieces),
        End::Else => Err("{{else}} stands outside of a block".to_owned()),
        End::Close(name) => Err(format!("{{{{/{name}}}}} closes a block that was not opened")),
    }
}

/// What ended a run of pieces.
enum End<'t> {
    Text,
    Else,
    Close(&'t str),
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Pieces up to the end of the text or of the block that they stand in.
    fn pieces(&mut self) -> Result<(Vec<Piece<'t>>, End<'t>), String> {
        let mut pieces = Vec::new();
        while let Some(start) = self.rest.find("{{") {
            let (text, tag) = self.rest.split_at(start);
            let Some((inner, source, rest)) = split_tag(tag) else {
                // Braces that nothing closes are text.
                break;
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(text));
            }
            self.rest = rest;
            let inner = inner.trim();
            if inner == "else" {
                return Ok((pieces, End::Else));
            } else if let Some(name) = inner.strip_prefix('/') {
                return Ok((pieces, End::Close(name.trim())));
            } else if let Some(opening) = inner.strip_prefix('#') {
                pieces.push(self.block(opening)?);
            } else {
                pieces.push(Piece::Value { path: inner, source });
            }
        }
        if !self.rest.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut self.rest)));
        }
        Ok((pieces, End::Text))
    }

    fn block(&mut self, opening: &'t str) -> Result<Piece<'t>, String> {
        let (word, path) = opening.trim().split_once(char::is_whitespace).unwrap_or((opening.trim(), ""));
        let kind = Block::named(word)
            .ok_or_else(|| format!("{{{{#{word}}}}} is not a block; there are #if, #unless and #each"))?;
        let unclosed = || format!("{{{{#{word}}}}} is not closed by {{{{/{word}}}}}");
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("blocks stand in each other more than {MAX_DEPTH} deep"));
        }
        let (body, mut end) = self.pieces()?;
        let mut otherwise = Vec::new();
        if matches!(end, End::Else) {
            (otherwise, end) = self.pieces()?;
        }
        self.depth -= 1;
        match end {
            End::Close(name) if name == kind.name() => {
                Ok(Piece::Block { kind, path: path.trim(), body, otherwise })
            }
            _ => Err(unclosed()),
        }
    }
}

/// A tag at the start of the text: what it says, itself as it stands, and what follows. Three braces mean
/// the same as two, because nothing is escaped.
fn split_tag(text: &str) -> Option<(&str, &str, &str)> {
    let (open, close) = if text.starts_with("{{{") { (3, "}}}") } else { (2, "}}") };
    let end = text[open..].find(close)? + open;
    let after = end + close.len();
    Some((&text[open..end], &text[..after], &text[after..]))
}

/// What names stand for.
struct Scope<'v> {
    values: &'v Map<String, Value>,
    each: Option<Element<'v>>,
}

/// What `{{this}}`, `{{@index}}` and `{{@key}}` stand for.
#[derive(Clone, Copy)]
struct Element<'v> {
    this: &'v Value,
    index: usize,
    key: Option<&'v str>,
}

enum Found<'v> {
    Value(&'v Value),
    Text(String),
    /// Nobody declares this name.
    Undeclared,
}

impl<'v> Scope<'v> {
    fn find(&self, path: &str) -> Found<'v> {
        if let Some(element) = &self.each {
            match path {
                "this" | "." => return Found::Value(element.this),
                "@index" => return Found::Text(element.index.to_string()),
                "@key" => return Found::Text(element.key.unwrap_or_default().to_owned()),
                _ => {}
            }
            let inner = path.strip_prefix("this.").unwrap_or(path);
            if let Some(value) = walk(element.this, inner) {
                return Found::Value(value);
            }
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        match self.values.get(first) {
            None => Found::Undeclared,
            Some(value) if rest.is_empty() => Found::Value(value),
            Some(value) => Found::Value(walk(value, rest).unwrap_or(&Value::Null)),
        }
    }
}

fn walk<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn write(out: &mut String, pieces: &[Piece<'_>], scope: &Scope<'_>) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Value { path, source } => match scope.find(path) {
                Found::Value(value) => out.push_str(&as_text(value)),
                Found::Text(text) => out.push_str(&text),
                Found::Undeclared => out.push_str(source),
            },
            Piece::Block { kind, path, body, otherwise } => {
                let value = match scope.find(path) {
                    Found::Value(value) => value,
                    Found::Text(_) | Found::Undeclared => &Value::Null,
                };
                write_block(out, *kind, value, body, otherwise, scope);
            }
        }
    }
}

fn write_block(
    out: &mut String,
    kind: Block,
    value: &Value,
    body: &[Piece<'_>],
    otherwise: &[Piece<'_>],
    scope: &Scope<'_>,
) {
    match (kind, is_truthy(value)) {
        (Block::If, true) | (Block::Unless, false) => write(out, body, scope),
        (Block::If, false) | (Block::Unless, true) | (Block::Each, false) => write(out, otherwise, scope),
        (Block::Each, true) => {
            for element in elements(value) {
                write(out, body, &Scope { values: scope.values, each: Some(element) });
            }
        }
    }
}

fn elements(value: &Value) -> Vec<Element<'_>> {
    match value {
        Value::Array(list) => {
            let list = list.iter().enumerate();
            list.map(|(index, this)| Element { this, index, key: None }).collect()
        }
        Value::Object(map) => {
            let map = map.iter().enumerate();
            map.map(|(index, (key, this))| Element { this, index, key: Some(key) }).collect()
        }
        _ => Vec::new(),
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Text as it is, nothing for null, everything else as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str, values: Value) -> String {
        let Value::Object(values) = values else { panic!("values are an object") };
        render(template, &values)
    }

    #[test]
    fn values_are_put_in_place_without_escapes() {
        let values = json!({"who": "Ann & <Bob>", "n": 3, "deep": {"list": ["x", "y"]}});
        assert_eq!(rendered("{{who}}/{{{ who }}}/{{n}}", values.clone()), "Ann & <Bob>/Ann & <Bob>/3");
        assert_eq!(rendered("{{deep.list.1}} {{deep}}", values), r#"y {"list":["x","y"]}"#);
    }

    #[test]
    fn a_name_that_nobody_declares_is_left_as_it_stands() {
        assert_eq!(
            rendered("{{$userId}} {{ other }} {{{x}}}", json!({"a": 1})),
            "{{$userId}} {{ other }} {{{x}}}"
        );
    }

    #[test]
    fn a_declared_name_without_a_value_is_nothing() {
        assert_eq!(rendered("[{{a}}][{{a.b}}]", json!({"a": null})), "[][]");
    }

    #[test]
    fn blocks_choose_and_repeat() {
        let template = "{{#if vip}}Dear{{else}}Hi{{/if}} {{#each names}}{{@index}}:{{this}} {{/each}}\
                        {{#unless vip}}!{{/unless}}";
        let values = |vip| json!({"vip": vip, "names": ["a", "b"]});
        assert_eq!(rendered(template, values(true)), "Dear 0:a 1:b ");
        assert_eq!(rendered(template, values(false)), "Hi 0:a 1:b !");
    }

    #[test]
    fn each_walks_over_objects_and_has_an_else() {
        let template = "{{#each people}}{{@key}}={{name}};{{else}}nobody{{/each}}";
        let people = json!({"people": {"x": {"name": "Ann"}, "y": {"name": "Bob"}}});
        assert_eq!(rendered(template, people), "x=Ann;y=Bob;");
        assert_eq!(rendered(template, json!({"people": {}})), "nobody");
    }

    #[test]
    fn braces_that_nothing_closes_are_text() {
        assert_eq!(rendered("a {{ b", json!({"b": 1})), "a {{ b");
    }

    #[test]
    fn blocks_that_stand_too_deep_in_each_other_are_refused() {
        let deep = |depth: usize| "{{#if a}}".repeat(depth) + &"{{/if}}".repeat(depth);
        assert!(parse(&deep(32)).is_ok());
        assert!(parse(&deep(100_000)).is_err());
    }

    #[test]
    fn blocks_that_do_not_match_are_refused() {
        for (template, problem) in [
            ("{{#if a}}x", "{{#if}} is not closed by {{/if}}"),
            ("{{#if a}}x{{/each}}", "{{#if}} is not closed by {{/if}}"),
            ("x{{/if}}", "{{/if}} closes a block that was not opened"),
            ("x{{else}}", "{{else}} stands outside of a block"),
            ("{{#with a}}{{/with}}", "{{#with}} is not a block; there are #if, #unless and #each"),
        ] {
            let refused = check("definition.instructions", template).expect_err(template);
            assert_eq!(refused.detail().message, format!("Invalid 'definition.instructions': {problem}."));
        }
    }
}
