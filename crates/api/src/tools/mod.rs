//! The tools that the service runs, and how their calls are shown in both dialects.

pub mod code_interpreter;
pub mod file_search;
pub mod openapi;
mod paired;

use std::sync::Arc;

use cupola_engine::{tools::Tools, turn::CallOutcome};
use cupola_models::RequestedCall;
use cupola_tools::outgoing::Outgoing;
use serde_json::{Map, Value};

use crate::{citations::Source, containers::Containers};
use code_interpreter::CodeInterpreter;
use file_search::{FileSearch, Library};

/// What the tools work with.
pub struct ToolParts {
    /// What `file_search` searches.
    pub library: Arc<dyn Library>,
    /// Where `code_interpreter` runs code.
    pub containers: Arc<Containers>,
    /// Reaches other services.
    pub outgoing: Outgoing,
}

/// All tools, by kind. A new one has its line here, and one in [`shown`].
pub fn registry(parts: ToolParts) -> Tools {
    let ToolParts { library, containers, .. } = parts;
    Tools::default()
        .with(code_interpreter::KIND, Arc::new(CodeInterpreter::new(containers)))
        .with(file_search::KIND, Arc::new(FileSearch::new(library)))
}

/// The kind of tool whose calls are items of this type.
pub(crate) fn kind_of_item(item_type: &str) -> Option<&'static str> {
    let kinds = [code_interpreter::KIND, file_search::KIND, openapi::KIND];
    kinds.into_iter().find(|kind| shown(kind).is_some_and(|shown| shown.item_type() == item_type))
}

/// How calls of a kind of tool are shown.
pub(crate) fn shown(kind: &str) -> Option<&'static dyn Shown> {
    match kind {
        code_interpreter::KIND => Some(&code_interpreter::Calls),
        file_search::KIND => Some(&file_search::Calls),
        openapi::KIND => Some(&openapi::CALLS),
        _ => None,
    }
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

    /// What every item shows of the settings of its tool.
    fn from_settings(&self, _settings: &Value) -> Map<String, Value> {
        Map::new()
    }

    /// The argument that is told while the model writes it.
    fn spelled_out(&self) -> Option<SpelledOut> {
        None
    }

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

    /// What else it may cite, by the links that it writes for it.
    fn links(&self, _outcome: &CallOutcome) -> Vec<(String, Source)> {
        Vec::new()
    }

    /// Pictures that the client is to see, also where the model does not speak of them.
    fn figures(&self, _outcome: &CallOutcome) -> Vec<Source> {
        Vec::new()
    }
}

/// An argument that is told while the model writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpelledOut {
    /// Its name.
    pub argument: &'static str,
    /// How the events of a response begin that tell it.
    pub event: &'static str,
    /// Under which field it stands in the step of a run.
    pub field: &'static str,
}

/// How outputs of one kind of tool are shown as items of their own.
pub(crate) trait ShownOutput: Sync {
    /// The type of the items.
    fn item_type(&self) -> &'static str;

    /// The item, without the fields that all items have; before its end without an outcome.
    fn item(&self, call: &RequestedCall, outcome: Option<&CallOutcome>) -> Value;
}
