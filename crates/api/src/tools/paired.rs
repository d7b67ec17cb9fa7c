//! Calls that are shown in pairs: an item for the call, with its arguments, and one for its output behind it.

use cupola_engine::turn::CallOutcome;
use cupola_models::RequestedCall;
use serde_json::{Map, Value, json};

use super::{Shown, ShownOutput, Stage};
use crate::citations::Source;

/// One kind of tool whose calls are shown in pairs.
pub(crate) struct Paired {
    /// The type of the items of calls.
    pub call_type: &'static str,
    /// How outputs are shown.
    pub output: PairedOutput,
    /// What stands in the step of a run: under which field, and what.
    pub step: fn(&RequestedCall, Option<&CallOutcome>) -> (&'static str, Value),
    /// What the model may cite.
    pub sources: fn(&CallOutcome) -> (u64, Vec<Source>),
}

/// How outputs are shown.
pub(crate) struct PairedOutput {
    /// The type of their items.
    pub item_type: &'static str,
    /// Whether both items name the function.
    pub is_named: bool,
    /// What stands in the output.
    pub text: fn(&CallOutcome) -> String,
}

impl PairedOutput {
    fn fields(&self, call: &RequestedCall) -> Map<String, Value> {
        let mut fields = Map::from_iter([("call_id".to_owned(), json!(call.id))]);
        if self.is_named {
            fields.insert("name".to_owned(), json!(call.name));
        }
        fields
    }
}

impl Shown for Paired {
    fn item_type(&self) -> &'static str {
        self.call_type
    }

    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value {
        let status = match stage {
            Stage::Asked | Stage::UnderWay => "in_progress",
            Stage::CutShort => "incomplete",
            Stage::Done(outcome) => ended(outcome),
        };
        let mut fields = self.output.fields(call);
        fields.insert("arguments".to_owned(), json!(call.arguments));
        fields.insert("status".to_owned(), json!(status));
        Value::Object(fields)
    }

    fn output(&self) -> Option<&dyn ShownOutput> {
        Some(&self.output)
    }

    fn events(&self, _: Stage<'_>) -> &'static [&'static str] {
        // The wire knows none for such calls.
        &[]
    }

    fn in_step(&self, _: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value> {
        let outcome = match stage {
            Stage::Done(outcome) => Some(outcome),
            Stage::Asked | Stage::UnderWay | Stage::CutShort => None,
        };
        let (field, body) = (self.step)(call, outcome);
        Map::from_iter([(field.to_owned(), body)])
    }

    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>) {
        (self.sources)(outcome)
    }
}

impl ShownOutput for PairedOutput {
    fn item_type(&self) -> &'static str {
        self.item_type
    }

    fn item(&self, call: &RequestedCall, outcome: Option<&CallOutcome>) -> Value {
        let mut fields = self.fields(call);
        fields.insert("output".to_owned(), json!(outcome.map(self.text).unwrap_or_default()));
        fields.insert("status".to_owned(), json!(outcome.map_or("in_progress", ended)));
        Value::Object(fields)
    }
}

fn ended(outcome: &CallOutcome) -> &'static str {
    if outcome.fault.is_none() { "completed" } else { "failed" }
}

/// A call of a function and its output, as steps of runs have them.
pub(crate) fn function_step(call: &RequestedCall, outcome: Option<&CallOutcome>) -> Value {
    let output = outcome.map(|outcome| outcome.output.as_str());
    json!({"name": call.name, "arguments": call.arguments, "output": output})
}

/// Where there is nothing to cite.
pub(crate) fn nothing_to_cite(_: &CallOutcome) -> (u64, Vec<Source>) {
    (0, Vec::new())
}
