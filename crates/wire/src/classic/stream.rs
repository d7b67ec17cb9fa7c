//! Server-sent events of runs.

use serde::{Deserialize, Serialize};

use super::Annotation;
use crate::Extra;

/// One event as it stands in the stream: its name, and its data as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvent {
    /// For example `thread.message.delta`.
    pub event: String,
    /// One line of JSON, or `[DONE]`.
    pub data: String,
}

/// `thread.message.delta`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct MessageDelta {
    /// The message.
    pub id: String,
    /// Always `thread.message.delta`.
    pub object: String,
    /// What is new.
    pub delta: MessageDeltaBody,
}

/// What is new in a message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct MessageDeltaBody {
    /// Parts, by index.
    pub content: Vec<DeltaContent>,
}

/// What is new in one part of a message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct DeltaContent {
    /// Which part.
    pub index: usize,
    /// `text`, or another kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// New text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<DeltaText>,
    /// Other kinds.
    #[serde(flatten)]
    pub extra: Extra,
}

/// New text.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct DeltaText {
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Only the first delta of a message has this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Annotation>>,
}

/// `thread.run.step.delta`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct RunStepDelta {
    /// The step.
    pub id: String,
    /// Always `thread.run.step.delta`.
    pub object: String,
    /// What is new.
    pub delta: RunStepDeltaBody,
}

/// What is new in a step.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct RunStepDeltaBody {
    /// The details.
    pub step_details: StepDeltaDetails,
}

/// What is new in the details of a step.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct StepDeltaDetails {
    /// `tool_calls`, or another kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The calls, by index.
    #[serde(default)]
    pub tool_calls: Vec<ToolCallDelta>,
}

/// What is new in one call.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct ToolCallDelta {
    /// Which call.
    pub index: usize,
    /// Only the first delta of a call has this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, or another kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is new in the call of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCallDelta>,
    /// Other kinds.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What is new in the call of a function.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FunctionCallDelta {
    /// The function's name; only in the first delta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next piece of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// `null` in the first delta, absent in the later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Option<String>>,
}
