//! The shapes of the parts of runs, steps and deltas.

use cupola_engine::{Frame, turn::TurnFault};
use cupola_models::{ModelUsage, RequestedCall};
use cupola_wire::Extra;
use cupola_wire::classic::{
    Annotation, DeltaContent, DeltaText, FunctionCall, FunctionCallDelta, LastError, MessageDelta,
    MessageDeltaBody, RequiredAction, RequiredToolCall, RequiredToolCalls, RunStep, RunStepDelta,
    RunStepDeltaBody, StepDeltaDetails, StepStatus, ToolCallDelta, Usage, UsageDetails,
};
use serde_json::{Map, Value, json};

use crate::frames::frame;

pub fn settle(step: &mut RunStep, status: StepStatus, now: i64, error: Option<&LastError>) {
    step.status = status;
    match status {
        StepStatus::Completed => step.completed_at = Some(now),
        StepStatus::Cancelled => step.cancelled_at = Some(now),
        StepStatus::Failed => {
            step.failed_at = Some(now);
            step.last_error = error.cloned();
        }
        StepStatus::Expired => step.expires_at = Some(now),
        StepStatus::InProgress => {}
    }
}

pub fn step_event(status: StepStatus) -> &'static str {
    match status {
        StepStatus::InProgress => "thread.run.step.in_progress",
        StepStatus::Cancelled => "thread.run.step.cancelled",
        StepStatus::Failed => "thread.run.step.failed",
        StepStatus::Completed => "thread.run.step.completed",
        StepStatus::Expired => "thread.run.step.expired",
    }
}

pub fn required_action(calls: &[RequestedCall]) -> RequiredAction {
    let calls = calls.iter().map(|call| RequiredToolCall {
        id: call.id.clone(),
        kind: "function".to_owned(),
        function: Some(FunctionCall { name: call.name.clone(), arguments: call.arguments.clone() }),
        extra: Extra::new(),
    });
    RequiredAction {
        kind: "submit_tool_outputs".to_owned(),
        submit_tool_outputs: Some(RequiredToolCalls { tool_calls: calls.collect() }),
        submit_tool_approval: None,
        extra: Extra::new(),
    }
}

pub fn last_error(fault: &TurnFault) -> LastError {
    LastError { code: fault.code.clone(), message: fault.message.clone() }
}

pub fn wire_usage(usage: ModelUsage) -> Usage {
    Usage {
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        // Upstreams count, and may count nonsense.
        total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
        prompt_token_details: UsageDetails { cached_tokens: usage.cached_tokens },
    }
}

/// More text of a message; `index` is the place of the text among its parts.
pub fn text_delta(
    message: &str,
    index: usize,
    text: &str,
    annotations: Option<Vec<Annotation>>,
) -> MessageDelta {
    let text = Some(DeltaText { value: Some(text.to_owned()), annotations });
    message_delta(message, DeltaContent { index, kind: "text".to_owned(), text, extra: Extra::new() })
}

/// A picture in a message.
pub fn image_delta(message: &str, index: usize, file: &str) -> MessageDelta {
    let extra = Extra::from_iter([("image_file".to_owned(), json!({"file_id": file}))]);
    message_delta(message, DeltaContent { index, kind: "image_file".to_owned(), text: None, extra })
}

fn message_delta(message: &str, content: DeltaContent) -> MessageDelta {
    MessageDelta {
        id: message.to_owned(),
        object: "thread.message.delta".to_owned(),
        delta: MessageDeltaBody { content: vec![content] },
    }
}

pub fn call_delta(step: &str, index: usize, id: Option<&str>, function: FunctionCallDelta) -> Frame {
    let call = ToolCallDelta {
        index,
        id: id.map(str::to_owned),
        kind: "function".to_owned(),
        function: Some(function),
        extra: Extra::new(),
    };
    step_delta(step, call)
}

/// A call of a tool that the service runs.
pub fn served_call_delta(step: &str, index: usize, id: &str, kind: &str, extra: Map<String, Value>) -> Frame {
    let call = ToolCallDelta { index, id: Some(id.to_owned()), kind: kind.to_owned(), function: None, extra };
    step_delta(step, call)
}

fn step_delta(step: &str, call: ToolCallDelta) -> Frame {
    let step_details = StepDeltaDetails { kind: "tool_calls".to_owned(), tool_calls: vec![call] };
    let delta = RunStepDelta {
        id: step.to_owned(),
        object: "thread.run.step.delta".to_owned(),
        delta: RunStepDeltaBody { step_details },
    };
    frame("thread.run.step.delta", &delta)
}
