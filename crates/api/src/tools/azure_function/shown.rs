//! How calls of functions are shown: a pair of items in responses, a function in steps of runs.

use super::KIND;
use crate::tools::paired::{Paired, PairedOutput, function_step, nothing_to_cite};

/// Calls of functions.
pub static CALLS: Paired = Paired {
    call_type: "azure_function_call",
    output: PairedOutput {
        item_type: "azure_function_call_output",
        is_named: true,
        text: |outcome| outcome.output.clone(),
    },
    step: |call, outcome| (KIND, function_step(call, outcome)),
    sources: nothing_to_cite,
};
