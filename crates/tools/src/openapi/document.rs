//! A document, and the operations in it.

use std::fmt;

use serde_json::{Map, Value};

use super::{operation::Operation, pointer::resolve};

/// The most operations of one document: each is a function, and no model chooses well among more.
const MOST_OPERATIONS: usize = 128;
/// The methods that have operations.
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The place, for example `paths./pets.get.operationId`.
    pub place: String,
    /// What is wrong there, as a sentence.
    pub reason: String,
}

impl Flaw {
    pub(super) fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.reason),
            place => write!(f, "At '{place}': {}", self.reason),
        }
    }
}

/// A document that describes a service.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    root: &'d Value,
    paths: &'d Map<String, Value>,
}

impl<'d> Document<'d> {
    /// Reads a document as far as to know what it is.
    pub fn read(root: &'d Value) -> Result<Self, Flaw> {
        if !root.is_object() {
            return Err(Flaw::at("", "An OpenAPI document is an object."));
        }
        match root.get("openapi").and_then(Value::as_str) {
            Some(version) if version.starts_with("3.0") || version.starts_with("3.1") => {}
            Some(version) => {
                let reason = format!("OpenAPI {version} is not known; convert the document to 3.0 or 3.1.");
                return Err(Flaw::at("openapi", reason));
            }
            None if root.get("swagger").is_some() => {
                let reason = "Swagger 2.0 is not known; convert the document to OpenAPI 3.0 or 3.1.";
                return Err(Flaw::at("swagger", reason));
            }
            None => return Err(Flaw::at("openapi", "It has to say '3.0' or '3.1'.")),
        }
        match root.get("paths") {
            Some(Value::Object(paths)) => Ok(Self { root, paths }),
            _ => Err(Flaw::at("paths", "There have to be paths.")),
        }
    }

    pub(super) fn root(&self) -> &'d Value {
        self.root
    }

    /// All operations. Each of them can be called.
    pub fn operations(&self) -> Result<Vec<Operation<'d>>, Flaw> {
        let found: Vec<_> = self.each().collect();
        match found.len() {
            0 => return Err(Flaw::at("paths", "There are no operations.")),
            many if many > MOST_OPERATIONS => {
                let reason = format!(
                    "There are {many} operations, and a tool may have {MOST_OPERATIONS}. Leave out those that \
                     are not needed, or make several tools."
                );
                return Err(Flaw::at("paths", reason));
            }
            _ => {}
        }
        let mut operations: Vec<Operation<'_>> = Vec::with_capacity(found.len());
        for place in found {
            let operation = Operation::read(*self, place)?;
            if operations.iter().any(|other| other.id() == operation.id()) {
                let reason = format!("Another operation is named '{}', too.", operation.id());
                return Err(Flaw::at(format!("{}.operationId", operation.place()), reason));
            }
            operations.push(operation);
        }
        Ok(operations)
    }

    /// The operation with this id.
    pub fn operation(&self, id: &str) -> Option<Result<Operation<'d>, Flaw>> {
        let is_it =
            |place: &Place<'_>| place.operation.get("operationId").and_then(Value::as_str) == Some(id);
        self.each().find(is_it).map(|place| Operation::read(*self, place))
    }

    fn each(self) -> impl Iterator<Item = Place<'d>> {
        let items = self.paths.iter().filter(|(path, _)| path.starts_with('/'));
        items.flat_map(move |(path, item)| {
            let item = resolve(self.root, item).unwrap_or(&Value::Null);
            METHODS.iter().filter_map(move |method| {
                let operation = item.get(method).filter(|operation| operation.is_object())?;
                Some(Place { path, method, item, operation })
            })
        })
    }
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'d> {
    pub path: &'d str,
    pub method: &'static str,
    /// What all operations of the path share.
    pub item: &'d Value,
    pub operation: &'d Value,
}
