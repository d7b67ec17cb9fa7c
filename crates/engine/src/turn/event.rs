//! What happens to a turn. Events are what its journal holds, so what stands here stands in stores.

use std::borrow::Cow;

use cupola_models::{Finish, ModelUsage, RequestedCall};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Limit, TurnFault};
use crate::{Millis, Runner};

/// What a model said in one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refusal: String,
    /// What it thought on its way.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// What it thought, in short.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning_summary: String,
    /// The calls that it asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<RequestedCall>,
    /// Tokens used.
    #[serde(default)]
    pub usage: ModelUsage,
}

impl Answer {
    /// What it said aloud: its text, or why it does not answer.
    pub fn said(&self) -> Cow<'_, str> {
        match (self.text.as_str(), self.refusal.as_str()) {
            (text, "") => Cow::Borrowed(text),
            ("", refusal) => Cow::Borrowed(refusal),
            (text, refusal) => Cow::Owned(format!("{text}{refusal}")),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        let words = [&self.text, &self.refusal, &self.reasoning, &self.reasoning_summary];
        words.into_iter().all(String::is_empty) && self.calls.is_empty()
    }
}

/// A call that the service runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedCall {
    /// Which call.
    pub call_id: String,
    /// Which of the turn's tools runs it. `None` for a function that does not exist: the model is told so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<usize>,
    /// The tool's kind, for example `file_search`; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The function as its tool knows it. The model may know it by another name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
}

impl ServedCall {
    /// Who runs it.
    pub fn runner(&self) -> Runner<'_> {
        match self.tool {
            Some(tool) => Runner::Service { tool, kind: &self.kind, function: &self.function },
            None => Runner::Nobody,
        }
    }
}

/// What a call that the service ran came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallOutcome {
    /// Which call.
    pub call_id: String,
    /// What the model is told.
    pub output: String,
    /// What there is to show of it; each tool has a form of its own.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<TurnFault>,
    /// Tokens that it used.
    #[serde(default)]
    pub usage: ModelUsage,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOutput {
    /// Which call.
    pub call_id: String,
    /// What it returned.
    pub output: String,
}

/// What happened to a turn. Events are what the journal holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The service took it on.
    Accepted {
        /// When it has run long enough.
        until: Millis,
    },
    /// The model answered.
    Answered {
        /// What it said.
        answer: Answer,
        /// Why it stopped there.
        finish: Finish,
        /// When the turn has waited long enough for the client to answer its calls. `None` where the
        /// calls are handed over: the turn is over, and the client answers them in another one.
        until: Option<Millis>,
        /// Those of the calls that the service runs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        served: Vec<ServedCall>,
    },
    /// A call that the service ran is done.
    ToolCompleted {
        /// What it came to.
        outcome: CallOutcome,
    },
    /// The model can't be called within the turn's limits, or stopped at one before it had answered.
    OutOfTokens {
        /// Which limit.
        limit: Limit,
    },
    /// The model could not be called, or broke off; or the service itself failed.
    ModelFailed {
        /// Why.
        fault: TurnFault,
        /// What it had said until then.
        partial: Answer,
    },
    /// The client answered the calls.
    OutputsSubmitted {
        /// The outputs, in the order of the calls.
        outputs: Vec<CallOutput>,
        /// When the turn has run long enough.
        until: Millis,
    },
    /// The client wants it stopped.
    CancelRequested,
    /// What was at work has stopped.
    Stopped {
        /// What the model had said until then.
        partial: Answer,
    },
    /// It has run, or waited, long enough.
    DeadlinePassed {
        /// What the model had said until then.
        partial: Answer,
    },
}
