//! One operation, as a function that a model can call.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    document::{Document, Flaw, Place},
    parameter::Parameter,
    pointer::resolve,
    schema::{Writer, without_read_only},
    server,
};

/// The argument that holds the body.
const BODY: &str = "body";
/// The longest description that a model is given.
const LONGEST_DESCRIPTION: usize = 1024;

/// An operation that can be called.
#[derive(Clone, Debug)]
pub struct Operation<'d> {
    pub(super) document: Document<'d>,
    pub(super) found: Place<'d>,
    id: &'d str,
    pub(super) server: String,
    /// By the names of their arguments.
    pub(super) parameters: Vec<(String, Parameter<'d>)>,
    pub(super) body: Option<Body<'d>>,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(super) struct Body<'d> {
    /// The name of its argument.
    pub argument: String,
    pub content_type: &'d str,
    schema: Option<&'d Value>,
    pub is_required: bool,
}

impl<'d> Operation<'d> {
    pub(super) fn read(document: Document<'d>, found: Place<'d>) -> Result<Self, Flaw> {
        let at = place(&found);
        let id = id(&found).map_err(|reason| Flaw::at(format!("{at}.operationId"), reason))?;
        let server = server::address(document.root(), &found)?;
        let parameters = parameters(document.root(), &found)?;
        let body = body(document.root(), &found, &parameters)
            .map_err(|reason| Flaw::at(format!("{at}.requestBody"), reason))?;
        let unknown = names_in(found.path).find(|name| {
            !parameters
                .iter()
                .any(|(_, parameter)| parameter.part.word() == "path" && parameter.name == *name)
        });
        if let Some(name) = unknown {
            let reason = format!("'{{{name}}}' stands in the path, and no parameter has this name.");
            return Err(Flaw::at(format!("{at}.parameters"), reason));
        }
        Ok(Self { document, found, id, server, parameters, body })
    }

    /// Its id.
    pub fn id(&self) -> &'d str {
        self.id
    }

    /// Where it stands in the document.
    pub fn place(&self) -> String {
        place(&self.found)
    }

    /// Its method.
    pub fn method(&self) -> Method {
        // The table of methods has nothing that is none.
        Method::from_bytes(self.found.method.to_uppercase().as_bytes()).unwrap_or_default()
    }

    /// Whether calling it twice is as good as calling it once, because it only asks.
    pub fn only_asks(&self) -> bool {
        self.method().is_safe()
    }

    /// What it does, in the words of the document.
    pub fn description(&self) -> Option<String> {
        let text = |field| self.found.operation.get(field).and_then(Value::as_str).map(str::trim);
        let words = [text("summary"), text("description")];
        let mut words: Vec<_> = words.into_iter().flatten().filter(|words| !words.is_empty()).collect();
        words.dedup();
        let mut joined = words.join("\n");
        joined.truncate(joined.floor_char_boundary(LONGEST_DESCRIPTION));
        (!joined.is_empty()).then_some(joined)
    }

    /// The schema of its arguments. `fixed` are the parameters that have their defaults, whatever a model thinks.
    pub fn arguments(&self, fixed: &[String]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let asked = self.parameters.iter().filter(|(_, parameter)| !is_fixed(parameter, fixed));
        for (argument, parameter) in asked {
            properties.insert(argument.clone(), self.described(parameter.schema(), parameter.given));
            if parameter.is_required() {
                required.push(argument.clone());
            }
        }
        if let Some(body) = &self.body {
            let mut schema = self.described(body.schema, &Value::Null);
            without_read_only(&mut schema);
            properties.insert(body.argument.clone(), schema);
            if body.is_required {
                required.push(body.argument.clone());
            }
        }
        json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        })
    }

    /// A schema with the description of what has it.
    fn described(&self, schema: Option<&'d Value>, given: &Value) -> Value {
        let mut writer = Writer::new(self.document.root());
        let mut schema = schema.map_or_else(|| json!({}), |schema| writer.write(schema));
        if let (Value::Object(schema), Some(words)) = (&mut schema, given.get("description")) {
            schema.insert("description".to_owned(), words.clone());
        }
        schema
    }

    /// The default of a parameter.
    pub(super) fn default_of(&self, parameter: &Parameter<'d>) -> Option<&'d Value> {
        resolve(self.document.root(), parameter.schema()?)?.get("default")
    }

    /// What a caller has to prove: the schemes of the first way in which the operation lets somebody in.
    pub(super) fn schemes(&self) -> Vec<(&'d str, &'d Value)> {
        let root = self.document.root();
        let ways = self.found.operation.get("security").or_else(|| root.get("security"));
        let first = ways.and_then(Value::as_array).and_then(|ways| ways.first()).and_then(Value::as_object);
        let named = first.into_iter().flatten().filter_map(|(name, _)| {
            let scheme = root.get("components")?.get("securitySchemes")?.get(name)?;
            Some((name.as_str(), resolve(root, scheme)?))
        });
        named.collect()
    }
}

/// Whether a parameter has its default, whatever a model thinks.
pub(super) fn is_fixed(parameter: &Parameter<'_>, fixed: &[String]) -> bool {
    fixed.iter().any(|name| name == parameter.name)
}

fn place(found: &Place<'_>) -> String {
    format!("paths.{}.{}", found.path, found.method)
}

fn id<'d>(found: &Place<'d>) -> Result<&'d str, String> {
    let id = found.operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() {
        return Err("Each operation needs an operationId: it becomes the name of a function.".to_owned());
    }
    match id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        true => Ok(id),
        false => Err(format!("'{id}' can't be the name of a function: use letters, digits, '-' and '_'.")),
    }
}

/// The names between braces in a path.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// The parameters of an operation and of its path, by the names of their arguments.
fn parameters<'d>(root: &'d Value, found: &Place<'d>) -> Result<Vec<(String, Parameter<'d>)>, Flaw> {
    let mut parameters: Vec<Parameter<'d>> = Vec::new();
    for (of, at) in [(found.operation, place(found)), (found.item, format!("paths.{}", found.path))] {
        let given = of.get("parameters").and_then(Value::as_array).into_iter().flatten();
        for (index, given) in given.enumerate() {
            let Some(given) = resolve(root, given) else {
                let reason = "The reference leads nowhere.";
                return Err(Flaw::at(format!("{at}.parameters[{index}]"), reason));
            };
            let Some(parameter) = Parameter::read(given) else { continue };
            let is_same =
                |other: &Parameter<'_>| (other.name, other.part) == (parameter.name, parameter.part);
            if !parameters.iter().any(is_same) {
                parameters.push(parameter);
            }
        }
    }
    let named = |index: usize, parameter: &Parameter<'_>| {
        // Where two have the same name, the second says where it goes.
        let is_taken = parameters[..index].iter().any(|other| other.name == parameter.name);
        let part = parameter.part.word();
        if is_taken { format!("{part}_{}", parameter.name) } else { parameter.name.to_owned() }
    };
    let arguments: Vec<_> = parameters.iter().enumerate().map(|(index, one)| named(index, one)).collect();
    Ok(arguments.into_iter().zip(parameters).collect())
}

fn body<'d>(
    root: &'d Value,
    found: &Place<'d>,
    parameters: &[(String, Parameter<'d>)],
) -> Result<Option<Body<'d>>, String> {
    let Some(given) = found.operation.get("requestBody") else { return Ok(None) };
    let given = resolve(root, given).ok_or("The reference leads nowhere.")?;
    let is_required = given.get("required") == Some(&Value::Bool(true));
    let content = given.get("content").and_then(Value::as_object).ok_or("It has no content.")?;
    let known = content
        .iter()
        .find(|(kind, _)| is_json(kind))
        .or_else(|| content.iter().find(|(kind, _)| is_form(kind) || kind.starts_with("text/")));
    let Some((content_type, media)) = known else {
        if !is_required {
            return Ok(None);
        }
        let kinds: Vec<_> = content.keys().map(String::as_str).collect();
        return Err(format!(
            "No body can be made of the type '{}': JSON, forms and text can.",
            kinds.join("', '")
        ));
    };
    let is_taken = parameters.iter().any(|(argument, _)| argument == BODY);
    let argument = if is_taken { "request_body" } else { BODY }.to_owned();
    let content_type = if content_type.contains('*') { "application/json" } else { content_type.as_str() };
    Ok(Some(Body { argument, content_type, schema: media.get("schema"), is_required }))
}

pub(super) fn is_json(content_type: &str) -> bool {
    let plain = content_type.split(';').next().unwrap_or_default().trim();
    plain.ends_with("/json") || plain.ends_with("+json") || matches!(plain, "*/*" | "application/*")
}

pub(super) fn is_form(content_type: &str) -> bool {
    content_type.starts_with("application/x-www-form-urlencoded")
}
