//! The tools that the service runs, and how their calls are shown in both dialects.

pub mod file_search;

use std::sync::Arc;

use cupola_engine::{tools::Tools, turn::CallOutcome};
use cupola_models::RequestedCall;
use cupola_tools::outgoing::Outgoing;
use serde_json::Value;

use crate::citations::Source;
use file_search::{FileSearch, Library};

/// What the tools work with.
pub struct ToolParts {
    /// What `file_search` searches.
    pub library: Arc<dyn Library>,
    /// Reaches other services.
    pub outgoing: Outgoing,
}

/// All tools, by kind. A new one has its line here, and one in [`shown`].
pub fn registry(parts: ToolParts) -> Tools {
    let ToolParts { library, .. } = parts;
    Tools::default().with(file_search::KIND, Arc::new(FileSearch::new(library)))
}

/// The kind of tool whose calls are items of this type.
pub(crate) fn kind_of_item(item_type: &str) -> Option<&'static str> {
    let kinds = [file_search::KIND];
    kinds.into_iter().find(|kind| shown(kind).is_some_and(|shown| shown.item_type() == item_type))
}

/// How calls of a kind of tool are shown.
pub(crate) fn shown(kind: &str) -> Option<&'static dyn Shown> {
    match kind {
        file_search::KIND => Some(&file_search::Calls),
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
    Done(&'a RequestedCall, &'a CallOutcome),
    /// It ended before it was done.
    CutShort,
}

/// How calls of one kind of tool are shown in both dialects.
pub(crate) trait Shown: Sync {
    /// The type of their items in a response.
    fn item_type(&self) -> &'static str;

    /// The item, without the fields that all items have.
    fn item(&self, stage: Stage<'_>) -> Value;

    /// The events that tell of a stage, beside those that announce the item and tell its end.
    fn events(&self, stage: Stage<'_>) -> &'static [&'static str];

    /// What stands under the tool's kind in the step of a run. `settings` are those of the tool.
    fn in_step(&self, settings: &Value, stage: Stage<'_>) -> Value;

    /// What the model may cite now: the call's place among the turn's calls, and its passages.
    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>);
}
