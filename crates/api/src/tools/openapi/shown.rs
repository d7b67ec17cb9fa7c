//! How calls of operations are shown: a pair of items in responses, a function in steps of runs.

use cupola_engine::turn::CallOutcome;
use serde_json::json;

use crate::tools::paired::{Paired, PairedOutput, function_step, nothing_to_cite};

/// Calls of operations.
pub static CALLS: Paired = Paired {
    call_type: "openapi_call",
    output: PairedOutput { item_type: "openapi_call_output", is_named: true, text },
    // The step names it as it names functions, whatever the type of the call is.
    step: |call, outcome| ("function", function_step(call, outcome)),
    sources: nothing_to_cite,
};

/// The service wraps what was answered.
fn text(outcome: &CallOutcome) -> String {
    match outcome.fault {
        None => json!({"response": outcome.output}).to_string(),
        Some(_) => outcome.output.clone(),
    }
}
