//! How calls of other agents are shown: a pair of items, whichever kind the tool is of.

use crate::tools::paired::{Paired, PairedOutput, function_step, nothing_to_cite};

/// Calls of other agents.
pub static CALLS: Paired = Paired {
    call_type: "a2a_preview_call",
    output: PairedOutput {
        item_type: "a2a_preview_call_output",
        is_named: true,
        text: |outcome| outcome.output.clone(),
    },
    step: |call, outcome| ("a2a", function_step(call, outcome)),
    sources: nothing_to_cite,
};
