//! What a run step did, in a few words.

use cupola_client::types::{RunStep, StepDetails, StepStatus, ToolCall};

use crate::{
    table::Cell,
    terminal::{DIM, GREEN, RED},
};

/// What the step did: the functions it called, or the message it wrote.
pub fn outcome(step: &RunStep) -> String {
    match &step.step_details {
        StepDetails::MessageCreation(details) => details.message_creation.message_id.clone(),
        StepDetails::ToolCalls(details) => {
            let names: Vec<&str> = details
                .tool_calls
                .iter()
                .map(|call| match call {
                    ToolCall::Function(call) => call.function.name.as_str(),
                    other => other.kind(),
                })
                .collect();
            names.join(", ")
        }
        other => other.kind().to_owned(),
    }
}

/// The step's status in its colour.
pub fn status(step: &RunStep) -> Cell {
    match step.status {
        StepStatus::InProgress => Cell::styled("in_progress", DIM),
        StepStatus::Completed => Cell::styled("completed", GREEN),
        StepStatus::Cancelled => Cell::styled("cancelled", DIM),
        StepStatus::Failed => Cell::styled("failed", RED),
        StepStatus::Expired => Cell::styled("expired", RED),
    }
}
