//! The request that carries out an operation.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use super::{
    Credential, Operation,
    credentials::Placed,
    fit::{self, Unfit},
    operation::{is_fixed, is_form, is_json},
    parameter::{Part, encode_component, plain},
};
use crate::outgoing::{Failure, Request};

/// What services are asked to answer with.
const ACCEPT: &str = "application/json, text/*;q=0.9, */*;q=0.5";

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The arguments are not what the function takes.
    Unfit(Unfit),
    /// An argument can't stand where it goes.
    BadArgument(String),
    /// The connection lacks this key.
    NoKey(String),
    /// The request can't be made.
    Failed(Failure),
}

impl NotSent {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unfit(_) | Self::BadArgument(_) => "invalid_arguments",
            Self::NoKey(_) => "missing_credentials",
            Self::Failed(failure) => failure.code(),
        }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(unfit) => write!(f, "{unfit}"),
            Self::BadArgument(argument) => {
                write!(
                    f,
                    "The value of '{argument}' can't stand in the path: it must not be empty, '.' or '..'."
                )
            }
            Self::NoKey(name) => {
                write!(
                    f,
                    "The connection has no key '{name}', which the service asks for. Whoever runs it can add it."
                )
            }
            Self::Failed(failure) => write!(f, "{failure}"),
        }
    }
}

impl From<Failure> for NotSent {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The parts of a request, as they are collected.
struct Parts {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
}

impl Operation<'_> {
    /// The request for these arguments. Parameters in `fixed` have their defaults.
    pub fn request(
        &self,
        arguments: &Map<String, Value>,
        fixed: &[String],
        credential: &Credential,
    ) -> Result<Request, NotSent> {
        let schema = self.arguments(fixed);
        let arguments = without_empty(arguments, &schema);
        fit::check(&schema, &arguments).map_err(NotSent::Unfit)?;
        let mut parts = self.parts(&arguments, fixed)?;
        let mut secrets = Vec::new();
        for placed in credential.place(&self.schemes()).map_err(NotSent::NoKey)? {
            match placed {
                Placed::Header(name, value) => secrets.push((name, value)),
                Placed::Query(name, value) => {
                    parts.query.push((encode_component(&name), encode_component(&value)));
                }
                Placed::Cookie(name, value) => {
                    parts.cookies.push(format!("{name}={}", encode_component(&value)))
                }
            }
        }
        let mut request = Request::new(self.method(), self.url(&parts)?).header("accept", ACCEPT)?;
        for (name, value) in &parts.headers {
            request = request.header(name, value)?;
        }
        if !parts.cookies.is_empty() {
            request = request.secret_header("cookie", &parts.cookies.join("; "))?;
        }
        for (name, value) in &secrets {
            request = request.secret_header(name, value)?;
        }
        self.with_body(request, &arguments)
    }

    fn parts(&self, arguments: &Map<String, Value>, fixed: &[String]) -> Result<Parts, NotSent> {
        let mut parts = Parts {
            path: self.found.path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
        };
        for (argument, parameter) in &self.parameters {
            let value = match is_fixed(parameter, fixed) {
                true => self.default_of(parameter),
                false => arguments.get(argument),
            };
            let Some(value) = value else { continue };
            match parameter.part {
                Part::Path => {
                    let written = parameter.in_path(value);
                    // Such a segment would lead to another operation.
                    if ["", ".", ".."].contains(&written.as_str()) {
                        return Err(NotSent::BadArgument(argument.clone()));
                    }
                    parts.path = parts.path.replace(&format!("{{{}}}", parameter.name), &written);
                }
                Part::Query => parts.query.extend(parameter.in_query(value)),
                Part::Header => parts.headers.push((parameter.name.to_owned(), parameter.in_header(value))),
                Part::Cookie => parts.cookies.push(parameter.in_cookie(value)),
            }
        }
        Ok(parts)
    }

    fn url(&self, parts: &Parts) -> Result<Url, NotSent> {
        let address = format!("{}{}", self.server.trim_end_matches('/'), parts.path);
        let mut url = Url::parse(&address).map_err(|_| {
            NotSent::Failed(Failure::BadAddress { address, reason: "it is not a whole address." })
        })?;
        if !parts.query.is_empty() {
            let pairs = parts.query.iter().map(|(name, value)| format!("{name}={value}"));
            let all: Vec<_> = url.query().map(str::to_owned).into_iter().chain(pairs).collect();
            url.set_query(Some(&all.join("&")));
        }
        Ok(url)
    }

    fn with_body(&self, request: Request, arguments: &Map<String, Value>) -> Result<Request, NotSent> {
        let Some((body, value)) =
            self.body.as_ref().and_then(|body| Some((body, arguments.get(&body.argument)?)))
        else {
            return Ok(request);
        };
        let written = match value {
            value if is_json(body.content_type) => value.to_string(),
            Value::Object(fields) if is_form(body.content_type) => {
                let pairs = fields.iter().map(|(name, value)| {
                    format!("{}={}", encode_component(name), encode_component(&plain(value)))
                });
                pairs.collect::<Vec<_>>().join("&")
            }
            value => plain(value),
        };
        Ok(request.header("content-type", body.content_type)?.body(written))
    }
}

/// The arguments without those that are `null` and need not be there: that is how models leave things out.
fn without_empty(arguments: &Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let is_required =
        |name: &String| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let kept = arguments.iter().filter(|(name, value)| !value.is_null() || is_required(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
