//! What a dialect asks of the engine.

use std::sync::Arc;

use cupola_models::{FunctionDeclaration, ResponseFormat, ToolChoice};
use serde_json::{Map, Value};

use crate::turn::ApprovedCall;

/// One activation of an agent, without a trace of the dialect that asked for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnSpec {
    /// The deployment that answers.
    pub deployment: String,
    /// The system instructions.
    pub instructions: Option<String>,
    /// The conversation whose history the model is given; its dialect knows how to read it.
    pub conversation: String,
    /// The tools that the model may call.
    pub tools: Vec<ToolSpec>,
    /// Whether and what it must call.
    pub tool_choice: ToolChoice,
    /// The kind of tool that it must call first. It says more than `tool_choice`.
    pub forced_tool: Option<String>,
    /// The most calls that the service runs in the whole turn.
    pub max_tool_calls: Option<u64>,
    /// Whether it may ask for several calls at once.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    pub response_format: ResponseFormat,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// The most tokens that the model may be given in the whole turn.
    pub max_prompt_tokens: Option<u64>,
    /// The most tokens that it may write in the whole turn.
    pub max_completion_tokens: Option<u64>,
    /// How the history is cut to fit.
    pub truncation: Truncation,
    /// What the dialect knows of the conversation and has not written down yet. Shared with its projection.
    pub input: Option<Arc<Value>>,
    /// Further fields for the upstream, passed as they are.
    pub extra: Map<String, Value>,
    /// What becomes of calls that the client has to run, or to approve.
    pub client_calls: ClientCalls,
    /// Calls of an earlier turn that are approved now: they are made before the model is called.
    pub approved: Vec<ApprovedCall>,
    /// Whether the turn's frames are kept, so that a client can come back and read on.
    pub keep_frames: bool,
    /// Turns with the same line run one after another, in the order in which they came.
    pub line: Option<String>,
}

/// What becomes of calls that the client has to run, or to approve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCalls {
    /// The turn waits for their outputs, or for what the client says.
    #[default]
    Wait,
    /// The turn is over; the client brings the outputs in another one.
    HandOver,
}

/// A tool of a turn.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolSpec {
    /// A function that the client runs.
    Function(FunctionDeclaration),
    /// A tool that the service runs.
    Served {
        /// For example `code_interpreter`.
        kind: String,
        /// Its settings, in the form that the tool reads.
        settings: Value,
    },
}

/// How the history is cut to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncation {
    /// As much as fits, newest first.
    #[default]
    Auto,
    /// As much as fits of this many of the newest messages.
    LastMessages(u64),
}
