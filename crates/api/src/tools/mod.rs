//! The tools that the service runs, and how their calls are shown in both dialects.

pub mod file_search;
pub mod openapi;
mod paired;

use std::sync::Arc;

use cupola_engine::{
    tools::Tools,
    turn::{CallOutcome, TurnFault},
};
use cupola_models::RequestedCall;
use cupola_tools::{machine_identity::MachineIdentity, outgoing::Outgoing};
use serde_json::{Map, Value};

use crate::{ApiError, citations::Source, connections::Keyring};
use file_search::{FileSearch, Library};
use openapi::OpenApi;

/// What the tools work with.
pub struct ToolParts {
    /// What `file_search` searches.
    pub library: Arc<dyn Library>,
    /// Reaches other services.
    pub outgoing: Outgoing,
    /// Finds connections with their secrets.
    pub keyring: Keyring,
    /// Proves to services of Azure who this one is.
    pub identity: MachineIdentity,
}

/// All tools, by kind. A new one has its line here, and one in [`shown`].
pub fn registry(parts: ToolParts) -> Tools {
    let ToolParts { library, outgoing, keyring, identity } = parts;
    Tools::default()
        .with(file_search::KIND, Arc::new(FileSearch::new(library)))
        .with(openapi::KIND, Arc::new(OpenApi::new(outgoing, keyring, identity)))
}

/// The kind of tool whose calls are items of this type.
pub(crate) fn kind_of_item(item_type: &str) -> Option<&'static str> {
    let kinds = [file_search::KIND, openapi::KIND];
    kinds.into_iter().find(|kind| shown(kind).is_some_and(|shown| shown.item_type() == item_type))
}

/// How calls of a kind of tool are shown.
pub(crate) fn shown(kind: &str) -> Option<&'static dyn Shown> {
    match kind {
        file_search::KIND => Some(&file_search::Calls),
        openapi::KIND => Some(&openapi::CALLS),
        _ => None,
    }
}

/// Refuses settings of a tool that can't work, with the path of what is at fault. `param` is the tool's own path.
pub(crate) fn check(param: &str, tool: &Map<String, Value>) -> Result<(), ApiError> {
    match tool.get("type").and_then(Value::as_str) {
        Some(openapi::KIND) => openapi::check(param, tool),
        _ => Ok(()),
    }
}

fn fault(code: &str, message: &str) -> TurnFault {
    TurnFault { code: code.to_owned(), message: message.to_owned() }
}

/// How far a call is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage<'a> {
    /// The model asks for it.
    Asked,
    /// The tool is at work.
    UnderWay,
    /// It is done.
    Done(&'a CallOutcome),
    /// It ended before it was done.
    CutShort,
}

/// How calls of one kind of tool are shown in both dialects.
pub(crate) trait Shown: Sync {
    /// The type of their items in a response.
    fn item_type(&self) -> &'static str;

    /// The item, without the fields that all items have. The arguments of the call are known once it is done.
    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value;

    /// How outputs are shown, where they are items of their own, each behind that of its call.
    fn output(&self) -> Option<&dyn ShownOutput> {
        None
    }

    /// The events that tell of a stage, beside those that announce the item and tell its end.
    fn events(&self, stage: Stage<'_>) -> &'static [&'static str];

    /// What the step of a run shows of the call, beside its id and its type. `settings` are those of the tool.
    fn in_step(&self, settings: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value>;

    /// What the model may cite now: the call's place among the turn's calls, and its passages.
    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>);
}

/// How outputs of one kind of tool are shown as items of their own.
pub(crate) trait ShownOutput: Sync {
    /// The type of the items.
    fn item_type(&self) -> &'static str;

    /// The item, without the fields that all items have; before its end without an outcome.
    fn item(&self, call: &RequestedCall, outcome: Option<&CallOutcome>) -> Value;
}
