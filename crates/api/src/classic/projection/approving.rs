//! Servers that were asked for their functions, and calls that wait for an approval.

use cupola_engine::turn::{Approval, Listing, ServedCall};
use cupola_wire::classic::{RequiredAction, RequiredToolCall, RequiredToolCalls, StepDetails, StepStatus};
use serde_json::json;

use super::*;
use crate::tools;

impl RunProjection {
    /// What a server has becomes a step of its own.
    pub(super) fn listed(&mut self, now: i64, listing: &Listing, out: &mut Output) {
        if let Some(fault) = &listing.fault {
            self.run.last_error = Some(last_error(fault));
            return;
        }
        let Some(server) = tools::shown(&listing.kind).and_then(|shown| shown.server()) else { return };
        let activity = server.activity(&self.settings(listing.tool, &listing.kind), listing);
        let mut details = Extra::new();
        details.insert("type".to_owned(), json!("activities"));
        details.insert("activities".to_owned(), json!([activity]));
        let mut step = self.new_step(self.call_began, "activities", StepDetails::Other(details));
        out.show("thread.run.step.created", &step);
        out.show("thread.run.step.in_progress", &step);
        step.usage = Some(Usage::default());
        settle(&mut step, StepStatus::Completed, now, None);
        out.changes.push(self.insert_step(&step));
        out.show("thread.run.step.completed", &step);
    }

    /// What the client has to do about calls that need its approval.
    pub(super) fn approval_action(&self, calls: &[ServedCall], turn: &Turn) -> RequiredAction {
        let required = |own: &ServedCall| {
            let asked = turn.asked_last().iter().find(|asked| asked.id == own.call_id)?;
            let shown = tools::shown(&own.kind)?;
            let mut extra = shown.about(&self.settings(own.tool.unwrap_or(usize::MAX), &own.kind), own);
            extra.insert("arguments".to_owned(), json!(asked.arguments));
            let (id, kind) = (own.call_id.clone(), own.kind.clone());
            Some(RequiredToolCall { id, kind, function: None, extra })
        };
        RequiredAction {
            kind: "submit_tool_approval".to_owned(),
            submit_tool_outputs: None,
            submit_tool_approval: Some(RequiredToolCalls {
                tool_calls: calls.iter().filter_map(required).collect(),
            }),
            extra: Extra::new(),
        }
    }

    /// The client has said which calls may be made. Says whether the run goes on with them.
    pub(super) fn approvals_submitted(
        &mut self,
        now: i64,
        approvals: &[Approval],
        turn: &Turn,
        out: &mut Output,
    ) -> bool {
        for denied in approvals.iter().filter(|approval| !approval.approve) {
            self.deny(denied);
        }
        self.write_open_calls(now, turn, out);
        let Phase::Running { until, .. } = turn.phase else { return false };
        self.run.status = RunStatus::InProgress;
        self.run.started_at = Some(now);
        self.run.expires_at = Some(until / 1000);
        self.run.required_action = None;
        out.changes.push(self.replace());
        out.show("thread.run.in_progress", &self.run);
        true
    }
}
