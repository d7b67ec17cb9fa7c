//! How a turn is shown as a response: its resource, the items of its conversation, and its stream.

use std::sync::Arc;

use bytes::Bytes;
use cupola_engine::{
    Changes, Delta, Frame, Millis, Projection,
    turn::{Answer, ApprovedCall, CallOutcome, End, Event, Limit, Phase, ServedCall, Turn},
};
use cupola_models::{Finish, ModelUsage, RequestedCall};
use cupola_store::{Change, Key, Resource, StoreError};
use serde_json::{Value, json};

use super::{
    kinds::RESPONSE,
    stream::{Stream, Voice},
};
use crate::{body::document, conversations};

/// A response, and what is open in it.
pub struct ResponseProjection {
    project: Arc<str>,
    key: Key,
    response: Value,
    /// The request as the engine has it, too; its `input` is what the response was asked with.
    asked: Arc<Value>,
    stream: Stream,
    keeping: Keeping,
    etag: i64,
    /// The response as it was written last, while it has not changed since.
    written: Option<Bytes>,
    /// The calls of the newest answer that the service runs.
    served: Vec<ServedCall>,
    /// Calls that were approved and are not told yet.
    approved: Vec<ApprovedCall>,
}

/// What of a response is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Everything, from when it is accepted.
    FromAccepted,
    /// Everything, from when it has ended.
    FromEnd,
    /// Nothing: `store` is false.
    Nothing,
}

impl ResponseProjection {
    /// A response that is about to be accepted, with what it was asked with.
    pub fn new(
        project: &Arc<str>,
        response: Value,
        asked: Arc<Value>,
        stream: Stream,
        keeping: Keeping,
    ) -> Self {
        let id = response["id"].as_str().unwrap_or_default().to_owned();
        Self {
            project: Arc::clone(project),
            key: Key::new(project, RESPONSE, id),
            response,
            asked,
            stream,
            keeping,
            etag: 0,
            written: None,
            served: Vec::new(),
            approved: Vec::new(),
        }
    }

    /// A response that was found in the store in this version.
    pub fn at(mut self, etag: i64) -> Self {
        self.etag = etag;
        self
    }

    fn set(&mut self, field: &str, value: Value) {
        self.response[field] = value;
        self.written = None;
    }

    fn write(&mut self) -> Change {
        self.etag += 1;
        let doc = document(&self.response);
        self.written = Some(doc.clone());
        if self.etag == 1 {
            return Change::Insert {
                key: self.key.clone(),
                parent: String::new(),
                facet: self.response["conversation"]["id"].as_str().unwrap_or_default().to_owned(),
                created_at: self.response["created_at"].as_i64().unwrap_or_default(),
                doc,
                aside: Some(document(&self.asked["input"])),
            };
        }
        Change::Replace { key: self.key.clone(), if_etag: self.etag - 1, doc }
    }

    fn ended(&mut self, now: i64, end: &End, turn: &Turn) -> &'static str {
        self.set("usage", usage(turn.usage));
        let output = self.stream.output().to_vec();
        self.set("output", Value::Array(output));
        match end {
            End::Completed => {
                self.set("status", json!("completed"));
                self.set("completed_at", json!(now));
                "response.completed"
            }
            End::Incomplete(limit) => {
                let reason = match limit {
                    Limit::CompletionTokens => "max_output_tokens",
                    Limit::PromptTokens => "max_prompt_tokens",
                    Limit::ContentFilter => "content_filter",
                };
                self.set("status", json!("incomplete"));
                self.set("incomplete_details", json!({"reason": reason}));
                "response.incomplete"
            }
            End::Failed(fault) => {
                self.set("status", json!("failed"));
                self.set("error", json!({"code": fault.code, "message": fault.message}));
                "response.failed"
            }
            End::Cancelled => {
                self.set("status", json!("cancelled"));
                "response.cancelled"
            }
            End::Expired => {
                let message =
                    "The response did not end within the time that responses may take (runs.expires_after).";
                self.set("status", json!("failed"));
                self.set("error", json!({"code": "model_timeout", "message": message}));
                "response.failed"
            }
        }
    }

    /// The response as one that has ended without an answer, because none was asked for.
    pub fn without_answer(mut self, now: i64) -> Changes {
        self.set("status", json!("in_progress"));
        let mut frames = vec![self.stream.about("response.created", &self.response)];
        frames.push(self.stream.about("response.in_progress", &self.response));
        let kind = self.ended(now, &End::Completed, &Turn::default());
        frames.push(self.stream.about(kind, &self.response));
        Changes { changes: self.kept(now), frames }
    }

    /// What is kept of a response that has ended.
    fn kept(&mut self, now: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.keeping != Keeping::Nothing {
            changes.push(self.write());
            self.append_to_conversation(now, &mut changes);
        }
        changes
    }

    /// A conversation is given what was asked and what was answered at once, when the turn has ended: so it
    /// has both exactly once, and nothing of a turn that is still under way.
    fn append_to_conversation(&self, now: i64, changes: &mut Vec<Change>) {
        let Some(conversation) = self.response["conversation"]["id"].as_str() else { return };
        let output = self.stream.output().iter().filter_map(Value::as_object);
        let input = self.asked["input"].as_array().into_iter().flatten().filter_map(Value::as_object);
        for item in input.chain(output) {
            changes.push(conversations::insert_item(&self.project, conversation, item, now));
        }
    }

    fn partial(&mut self, partial: &Answer, frames: &mut Vec<Frame>) {
        if !partial.is_empty() {
            frames.extend(self.stream.answered(partial, "incomplete", &[]));
        } else {
            frames.extend(self.stream.close("incomplete"));
            frames.extend(self.stream.cut_listings());
            frames.extend(self.stream.cut_short());
        }
    }

    /// The kind of tool that has run a call, and what it was asked.
    fn completed<'t>(&self, outcome: &CallOutcome, turn: &'t Turn) -> Option<(String, &'t RequestedCall)> {
        let is_this = |id: &str| id == outcome.call_id;
        let served = self.served.iter().find(|served| is_this(&served.call_id))?;
        let asked = turn.asked_last().iter().find(|asked| is_this(&asked.id))?;
        Some((served.kind.clone(), asked))
    }

    /// The response as clients see it, where that is not all that is kept of it.
    fn shown(&self) -> Option<Value> {
        self.stream.hides().then(|| {
            let mut shown = self.response.clone();
            if !shown["output"].as_array().is_none_or(Vec::is_empty) {
                shown["output"] = Value::Array(self.stream.shown_output());
            }
            shown
        })
    }
}

/// The status of what was said in an answer that ended so.
fn status_of(finish: Finish) -> &'static str {
    match finish {
        Finish::Length | Finish::ContentFilter => "incomplete",
        Finish::Stop | Finish::ToolCalls => "completed",
    }
}

/// Tokens as responses report them.
pub fn usage(usage: ModelUsage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
    })
}

impl Projection for ResponseProjection {
    fn model_call_began(&mut self, _at: Millis, heard: bool) -> Changes {
        self.stream.set_heard(heard);
        self.set("status", json!("in_progress"));
        let changes = match self.keeping {
            Keeping::FromAccepted => vec![self.write()],
            Keeping::FromEnd | Keeping::Nothing => Vec::new(),
        };
        let mut frames: Vec<_> = self.stream.under_way(&self.response).into_iter().collect();
        frames.extend(self.stream.approved(&std::mem::take(&mut self.approved)));
        Changes { changes, frames }
    }

    fn wants_every_delta(&self) -> bool {
        // An answer that was begun piece by piece is made of its pieces.
        self.stream.is_told()
    }

    fn delta(&mut self, _at: Millis, delta: Delta<'_>) -> Vec<Frame> {
        match delta {
            Delta::Text(text) => self.stream.say(Voice::Text, text),
            Delta::Refusal(text) => self.stream.say(Voice::Refusal, text),
            Delta::Reasoning(text) => self.stream.say(Voice::Thought, text),
            Delta::ReasoningSummary(text) => self.stream.say(Voice::Summary, text),
            Delta::CallBegan { index, id, name, by } => self.stream.call_began(index, id, name, by),
            Delta::CallArguments { index, text } => self.stream.call_arguments(index, text),
            Delta::ListingBegan { tool, kind } => self.stream.listing_began(tool, kind),
            Delta::Progress { .. } => Vec::new(),
        }
    }

    fn event(&mut self, at: Millis, event: &Event, turn: &Turn, heard: bool) -> Changes {
        self.stream.set_heard(heard);
        let now = at / 1000;
        let mut frames = Vec::new();
        match event {
            Event::Accepted { approved, .. } => {
                self.approved.clone_from(approved);
                self.served = approved.iter().map(|approved| approved.call.clone()).collect();
                let is_background = self.response["background"] == true;
                let status = if is_background { "queued" } else { "in_progress" };
                self.set("status", json!(status));
                frames.push(self.stream.about("response.created", &self.response));
                if is_background {
                    frames.push(self.stream.about("response.queued", &self.response));
                }
                let changes = match self.keeping {
                    Keeping::FromAccepted => vec![self.write()],
                    Keeping::FromEnd | Keeping::Nothing => Vec::new(),
                };
                return Changes { changes, frames };
            }
            Event::Answered { answer, finish, served, .. } => {
                frames.extend(self.stream.answered(answer, status_of(*finish), served));
                self.served.clone_from(served);
            }
            Event::ToolCompleted { outcome } => {
                if let Some((kind, asked)) = self.completed(outcome, turn) {
                    frames.extend(self.stream.tool_completed(&kind, asked, outcome));
                }
            }
            Event::FunctionsListed { listing } => {
                frames.extend(self.stream.listed(listing));
                if listing.fault.is_some() {
                    frames.extend(self.stream.cut_listings());
                }
            }
            Event::ModelFailed { partial, .. }
            | Event::Stopped { partial }
            | Event::DeadlinePassed { partial } => self.partial(partial, &mut frames),
            // Approvals and outputs come with other responses.
            Event::OutOfTokens { .. }
            | Event::ApprovalsSubmitted { .. }
            | Event::OutputsSubmitted { .. }
            | Event::CancelRequested => {}
        }
        let Phase::Ended(end) = &turn.phase else {
            return Changes { changes: Vec::new(), frames };
        };
        let kind = self.ended(now, end, turn);
        let changes = self.kept(now);
        // The wire knows no event for a response that was cancelled: the stream just ends after it.
        if kind != "response.cancelled" {
            let shown = self.shown();
            frames.push(self.stream.about(kind, shown.as_ref().unwrap_or(&self.response)));
        }
        Changes { changes, frames }
    }

    fn recall(&mut self, _at: Millis, event: &Event, turn: &Turn) {
        match event {
            Event::Accepted { approved, .. } => {
                self.served = approved.iter().map(|approved| approved.call.clone()).collect();
                self.approved = self.stream.recall_approved(approved);
            }
            Event::FunctionsListed { listing } => self.stream.recall_listing(listing),
            Event::Answered { answer, finish, served, .. } => {
                self.stream.recall_answered(answer, status_of(*finish), served);
                self.served.clone_from(served);
            }
            Event::ToolCompleted { outcome } => {
                if let Some((kind, asked)) = self.completed(outcome, turn) {
                    self.stream.recall_outcome(&kind, asked, outcome);
                }
            }
            _ => {}
        }
    }

    fn rebase(&mut self, current: &Resource) -> Result<Change, StoreError> {
        // Nobody else changes a response.
        self.etag = current.etag;
        Ok(self.write())
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn document(&self) -> Bytes {
        if let Some(shown) = self.shown() {
            return document(&shown);
        }
        self.written.clone().unwrap_or_else(|| document(&self.response))
    }
}
