//! How a turn is shown whose answer is a summary: nothing is kept of it but its outcome.

use std::sync::Arc;

use bytes::Bytes;
use cupola_engine::{
    Changes, Delta, Frame, Millis, Projection,
    turn::{End, Event, Limit, Phase, Turn},
};
use cupola_store::{Change, Key, Kind, Resource, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::projection::usage;
use crate::{ApiError, body::document};

/// The kind under which such turns have their keys. There are no resources of it.
const COMPACTION: Kind = Kind::named("compaction");

/// A summary that is being made.
#[derive(Debug)]
pub struct Summary {
    key: Key,
    outcome: Outcome,
}

/// What became of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// What the model wrote.
    pub summary: String,
    /// Tokens used.
    pub usage: Value,
    fault: Option<Fault>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fault {
    code: String,
    message: String,
}

impl Outcome {
    /// Reads the document of a turn that is over; one that failed is an error.
    pub fn read(document: &[u8]) -> Result<Self, ApiError> {
        let outcome: Self = serde_json::from_slice(document)
            .map_err(|error| ApiError::internal("reading a summary", error))?;
        match outcome.fault {
            Some(fault) => Err(ApiError::of_turn(&fault.code, fault.message)),
            None => Ok(outcome),
        }
    }
}

impl Summary {
    /// A summary that was just asked for.
    pub fn new(project: &Arc<str>, id: &str) -> Self {
        Self { key: Key::new(project, COMPACTION, id), outcome: Outcome::default() }
    }

    /// What kept the summary from being made.
    fn fault(&self, end: &End) -> Option<Fault> {
        let incomplete = |why: &str| Fault {
            code: "summary_incomplete".to_owned(),
            message: format!("The conversation was not compacted: {why}."),
        };
        Some(match end {
            End::Completed if !self.outcome.summary.trim().is_empty() => return None,
            End::Completed => incomplete("the model wrote no summary"),
            End::Incomplete(Limit::ContentFilter) => incomplete("the provider withheld the summary"),
            End::Incomplete(Limit::CompletionTokens | Limit::PromptTokens) => {
                incomplete("the model ran out of tokens before its summary was whole")
            }
            End::Failed(fault) => Fault { code: fault.code.clone(), message: fault.message.clone() },
            End::Cancelled | End::Expired => Fault {
                code: "model_timeout".to_owned(),
                message: "The summary was not made within the time that responses may take \
                          (runs.expires_after)."
                    .to_owned(),
            },
        })
    }
}

impl Projection for Summary {
    fn model_call_began(&mut self, _: Millis, _: bool) -> Changes {
        Changes::default()
    }

    fn delta(&mut self, _: Millis, _: Delta<'_>) -> Vec<Frame> {
        Vec::new()
    }

    fn event(&mut self, _: Millis, event: &Event, turn: &Turn, _: bool) -> Changes {
        if let Event::Answered { answer, .. } = event {
            self.outcome.summary.clone_from(&answer.text);
        }
        if let Phase::Ended(end) = &turn.phase {
            self.outcome.usage = usage(turn.usage);
            self.outcome.fault = self.fault(end);
        }
        Changes::default()
    }

    fn rebase(&mut self, _: &Resource) -> Result<Change, StoreError> {
        Err(StoreError::Backend(format!("{} was never written, so nobody can have changed it", self.key)))
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn document(&self) -> Bytes {
        document(&self.outcome)
    }
}
