//! Runs: one activation of an agent on a thread.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CreateMessage, CreateThread, IncompleteDetails, Tool, ToolResources};
use crate::{Extra, Metadata, UnixSeconds};

/// Where a run stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Accepted.
    Queued,
    /// The model or a tool is at work.
    InProgress,
    /// The client has to answer tool calls.
    RequiresAction,
    /// Asked to stop.
    Cancelling,
    /// Stopped.
    Cancelled,
    /// Ended by a fault; `last_error` says which.
    Failed,
    /// Done.
    Completed,
    /// Cut short by a limit; `incomplete_details` says which.
    Incomplete,
    /// Ran out of time.
    Expired,
}

impl RunStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::RequiresAction => "requires_action",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing will change any more.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress | Self::RequiresAction | Self::Cancelling)
    }
}

/// One activation of an agent on a thread.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Run {
    /// `run_…`.
    pub id: String,
    /// Always `thread.run`.
    pub object: String,
    /// When it was accepted.
    pub created_at: UnixSeconds,
    /// The agent.
    pub assistant_id: String,
    /// The thread.
    pub thread_id: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When work began, or began again after tool outputs.
    pub started_at: Option<UnixSeconds>,
    /// When it runs out of time.
    pub expires_at: Option<UnixSeconds>,
    /// When it was cancelled.
    pub cancelled_at: Option<UnixSeconds>,
    /// When it failed.
    pub failed_at: Option<UnixSeconds>,
    /// When it was completed.
    pub completed_at: Option<UnixSeconds>,
    /// What the client has to do.
    pub required_action: Option<RequiredAction>,
    /// Why it failed.
    pub last_error: Option<LastError>,
    /// The deployment that answers.
    pub model: String,
    /// The system instructions of this run.
    pub instructions: Option<String>,
    /// The tools of this run.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// Only what this run itself was given.
    #[serde(default)]
    pub tool_resources: ToolResources,
    /// The client's own pairs.
    #[serde(default)]
    pub metadata: Metadata,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// The most tokens that the model may write in this run.
    pub max_completion_tokens: Option<u64>,
    /// The most tokens that the model may be given in this run.
    pub max_prompt_tokens: Option<u64>,
    /// How the thread is cut to fit.
    pub truncation_strategy: Option<Truncation>,
    /// Which limit cut it short.
    pub incomplete_details: Option<IncompleteDetails>,
    /// Tokens of all steps.
    pub usage: Option<Usage>,
    /// The form of the answer.
    #[serde(default)]
    pub response_format: Value,
    /// Whether and which tool the model must call.
    #[serde(default)]
    pub tool_choice: Value,
    /// Whether the model may call several tools at once.
    #[serde(default = "yes")]
    pub parallel_tool_calls: bool,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

fn yes() -> bool {
    true
}

/// How a thread is cut to fit the model.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Truncation {
    /// `auto` or `last_messages`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many of the newest messages are kept.
    #[serde(default)]
    pub last_messages: Option<u64>,
}

/// Why a run or a step failed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct LastError {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that the model was given.
    pub prompt_tokens: u64,
    /// Tokens that the model wrote.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Parts of the first.
    #[serde(default)]
    pub prompt_token_details: UsageDetails,
}

/// Parts of the prompt's tokens.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct UsageDetails {
    /// Tokens that the upstream had cached.
    #[serde(default)]
    pub cached_tokens: u64,
}

/// What a client has to do before a run goes on.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct RequiredAction {
    /// `submit_tool_outputs` or `submit_tool_approval`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The calls that need an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit_tool_outputs: Option<RequiredToolCalls>,
    /// The calls that need an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit_tool_approval: Option<RequiredToolCalls>,
    /// Other kinds of action.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Calls that wait for the client.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct RequiredToolCalls {
    /// The calls.
    pub tool_calls: Vec<RequiredToolCall>,
}

/// One call that waits for the client.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct RequiredToolCall {
    /// `call_…`.
    pub id: String,
    /// `function`, or another kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The function and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCall>,
    /// Other kinds of call.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A function and the arguments that the model gives it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FunctionCall {
    /// The function's name.
    pub name: String,
    /// A JSON text.
    pub arguments: String,
}

/// The body that creates a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateRun {
    /// The agent.
    pub assistant_id: String,
    /// Another deployment than the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Other instructions than the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Text to append to the instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_instructions: Option<String>,
    /// Messages to append to the thread before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_messages: Option<Vec<CreateMessage>>,
    /// Other tools than the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// What the tools of this run work on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_resources: Option<ToolResources>,
    /// Whether to answer with a stream of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Sampling temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The most tokens that the model may be given in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_prompt_tokens: Option<u64>,
    /// The most tokens that the model may write in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    /// How the thread is cut to fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation_strategy: Option<Truncation>,
    /// `none`, `auto`, `required` or an object that names a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
    /// Whether the model may call several tools at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that creates a thread and runs an agent on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateThreadAndRun {
    /// The thread; absent means an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<CreateThread>,
    /// The run.
    #[serde(flatten)]
    pub run: CreateRun,
}

/// The body that answers tool calls.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct SubmitToolOutputs {
    /// One output for each call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_outputs: Option<Vec<ToolOutput>>,
    /// One approval for each call that needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_approvals: Option<Vec<ToolApproval>>,
    /// Whether to answer with a stream of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Whether a call of a tool of an MCP server may be made.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq)]
pub struct ToolApproval {
    /// Which call.
    pub tool_call_id: String,
    /// Whether it may be made.
    pub approve: bool,
    /// What the server is told with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for ToolApproval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers hold credentials.
        f.debug_struct("ToolApproval")
            .field("tool_call_id", &self.tool_call_id)
            .field("approve", &self.approve)
            .finish_non_exhaustive()
    }
}

/// What a function returned.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct ToolOutput {
    /// Which call.
    pub tool_call_id: String,
    /// What it returned, as text.
    #[serde(default)]
    pub output: Option<Value>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}
