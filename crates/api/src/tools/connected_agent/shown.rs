//! How calls of other agents are shown: steps of runs, items of responses.

use cupola_engine::turn::CallOutcome;
use cupola_models::RequestedCall;
use serde_json::{Map, Value, json};

use super::KIND;
use crate::{
    citations::Source,
    tools::{Shown, Stage},
};

/// Calls of `connected_agent`.
pub struct Calls;

impl Shown for Calls {
    fn item_type(&self) -> &'static str {
        "connected_agent_call"
    }

    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value {
        let (status, output) = match stage {
            Stage::Asked | Stage::UnderWay => ("in_progress", None),
            Stage::CutShort => ("incomplete", None),
            Stage::Done(outcome) if outcome.fault.is_none() => ("completed", Some(&outcome.output)),
            Stage::Done(outcome) => ("failed", Some(&outcome.output)),
        };
        json!({"status": status, "name": call.name, "arguments": call.arguments, "output": output})
    }

    fn events(&self, _: Stage<'_>) -> &'static [&'static str] {
        &[]
    }

    fn in_step(&self, settings: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value> {
        let mut body = json!({"name": settings["name"], "arguments": call.arguments, "output": null});
        if let Stage::Done(outcome) = stage {
            body["output"] = json!(outcome.output);
            if let (Value::Object(body), Value::Object(run)) = (&mut body, &outcome.detail) {
                body.extend(run.clone());
            }
        }
        Map::from_iter([(KIND.to_owned(), body)])
    }

    fn sources(&self, _: &CallOutcome) -> (u64, Vec<Source>) {
        // What the other agent cites, it cites in its own thread.
        (0, Vec::new())
    }
}
