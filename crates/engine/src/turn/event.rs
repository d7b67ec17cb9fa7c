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
    /// Whether the client has to approve it first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
    /// What came with the approval, in a form that the dialect and the tool agree on. No secret stands in it
    /// in clear.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub grant: Value,
}

impl ServedCall {
    /// Who runs it.
    pub fn runner(&self) -> Runner<'_> {
        match self.tool {
            Some(tool) => Runner::Service {
                tool,
                kind: &self.kind,
                function: &self.function,
                needs_approval: self.needs_approval,
            },
            None => Runner::Nobody,
        }
    }
}

/// A call that was asked for in an earlier turn and is approved now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedCall {
    /// What the model asked for. Its id is a new one.
    pub asked: RequestedCall,
    /// Who runs it.
    pub call: ServedCall,
}

/// What the model is told of a call that is not approved.
const DENIED: &str = "The call was not made: the user did not approve it.";

/// What the client says about a call that needs its approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Which call.
    pub call_id: String,
    /// Whether it may be made.
    pub approve: bool,
    /// Why not. The model is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What comes with it; see [`ServedCall::grant`].
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub grant: Value,
}

impl Approval {
    /// What the model is told of a call that is not approved.
    pub fn denial(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{DENIED} The reason given: {reason}"),
            None => DENIED.to_owned(),
        }
    }
}

/// What a tool listed that has to ask somebody else for its functions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Which of the turn's tools.
    pub tool: usize,
    /// The tool's kind, for example `mcp`.
    pub kind: String,
    /// What it listed; each tool has a form of its own.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub functions: Value,
    /// Why there is nothing. It ends the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<TurnFault>,
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
        /// Calls of an earlier turn that are made first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved: Vec<ApprovedCall>,
    },
    /// A tool has said which functions it has, or could not.
    FunctionsListed {
        /// What it said.
        listing: Listing,
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
    /// The client said which calls may be made.
    ApprovalsSubmitted {
        /// One for each call.
        approvals: Vec<Approval>,
        /// When the turn has run long enough.
        until: Millis,
        /// When the turn has waited long enough for the client to answer its own calls of the same answer.
        waiting_until: Option<Millis>,
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
