//! Run steps: what a run did, in order.

use serde::{Deserialize, Serialize};

use super::{LastError, Usage};
use crate::{Extra, UnixSeconds, tagged::tagged};

/// Where a step stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// At work, or waiting for the client.
    InProgress,
    /// Stopped with its run.
    Cancelled,
    /// Ended by a fault.
    Failed,
    /// Done.
    Completed,
    /// Ran out of time with its run.
    Expired,
}

/// One thing that a run did.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct RunStep {
    /// `step_…`.
    pub id: String,
    /// Always `thread.run.step`.
    pub object: String,
    /// When it began.
    pub created_at: UnixSeconds,
    /// The run.
    pub run_id: String,
    /// The agent.
    pub assistant_id: String,
    /// The thread.
    pub thread_id: String,
    /// `message_creation` or `tool_calls`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it stands.
    pub status: StepStatus,
    /// When it was cancelled.
    pub cancelled_at: Option<UnixSeconds>,
    /// When it was completed.
    pub completed_at: Option<UnixSeconds>,
    /// When it expires.
    #[serde(default)]
    pub expires_at: Option<UnixSeconds>,
    /// When it failed.
    pub failed_at: Option<UnixSeconds>,
    /// Why it failed.
    pub last_error: Option<LastError>,
    /// What it did.
    pub step_details: StepDetails,
    /// Tokens that it used.
    pub usage: Option<Usage>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

tagged! {
    /// What a step did.
    StepDetails by "type" {
        /// It wrote a message.
        "message_creation" => MessageCreation(MessageCreation),
        /// It called tools.
        "tool_calls" => ToolCalls(ToolCalls),
    }
}

/// A step that wrote a message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct MessageCreation {
    /// Which one.
    pub message_creation: MessageReference,
}

/// A message by its id.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct MessageReference {
    /// `msg_…`.
    pub message_id: String,
}

/// A step that called tools.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct ToolCalls {
    /// The calls.
    pub tool_calls: Vec<ToolCall>,
}

tagged! {
    /// One call of a tool.
    ToolCall by "type" {
        /// A function that the client ran.
        "function" => Function(FunctionCallDetails),
    }
}

/// A call of a function.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FunctionCallDetails {
    /// `call_…`.
    pub id: String,
    /// The call itself.
    pub function: CalledFunction,
}

/// A function, its arguments and what it returned.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct CalledFunction {
    /// The function's name.
    pub name: String,
    /// A JSON text.
    pub arguments: String,
    /// What it returned.
    #[serde(default)]
    pub output: Option<String>,
}
