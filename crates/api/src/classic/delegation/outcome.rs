//! How a run ended that another run has asked for, in words for the model that waits for it.

use cupola_engine::turn::TurnFault;
use cupola_models::ModelUsage;
use cupola_store::{Listing, Order};
use cupola_wire::classic::{ContentBlock, Message, RequiredAction, Role, Run, RunStatus};
use serde_json::Value;

use super::{
    super::{
        dialect::without_citations,
        kinds::{self, MESSAGE},
    },
    Nested, unreadable,
};
use crate::{
    Service,
    tools::connected_agent::{Ended, Report},
};

/// How many of the newest messages are looked through for the answer.
const NEWEST: usize = 20;

/// What became of the run. `needed` is what it was stopped for.
pub async fn report(
    service: &Service,
    nested: &Nested,
    run: Run,
    needed: Option<String>,
) -> Result<Report, TurnFault> {
    let said = said(service, nested).await?;
    let ended = match needed.or_else(|| why_cut_short(&run)) {
        Some(why) => Ended::CutShort { said, why },
        None => Ended::Answered(said),
    };
    let usage = run.usage.unwrap_or_default();
    Ok(Report {
        agent: run.assistant_id,
        thread: run.thread_id,
        run: run.id,
        ended,
        usage: ModelUsage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cached_tokens: usage.prompt_token_details.cached_tokens,
            reasoning_tokens: 0,
        },
    })
}

fn why_cut_short(run: &Run) -> Option<String> {
    Some(match run.status {
        RunStatus::Completed => return None,
        RunStatus::Failed => {
            let error = run.last_error.as_ref().map(|error| error.message.as_str());
            format!("It failed: {}", error.unwrap_or("nobody knows why."))
        }
        RunStatus::Incomplete => {
            let reason = run.incomplete_details.as_ref().map(|details| details.reason.as_str());
            format!("It came to a limit: {}.", reason.unwrap_or("unknown"))
        }
        RunStatus::Expired => "It ran out of time.".to_owned(),
        _ => "Its run was cancelled.".to_owned(),
    })
}

/// What a run needs of its client, which it does not have.
pub fn need(run: &Run) -> String {
    let calls = run.required_action.as_ref().map(calls).unwrap_or_default().join(", ");
    let is_approval =
        run.required_action.as_ref().is_some_and(|action| action.kind == "submit_tool_approval");
    if is_approval {
        return format!(
            "It needs somebody to approve these calls: {calls}. Nobody can do that for an agent that is \
             asked by another one, so it was stopped and nothing was called."
        );
    }
    format!(
        "It needs the output of functions that its client has to run: {calls}. An agent that is asked by \
         another one has no client, so it was stopped."
    )
}

/// The calls that a run waits for.
fn calls(action: &RequiredAction) -> Vec<String> {
    // Kinds of action differ in their names alone.
    let Ok(action) = serde_json::to_value(action) else { return Vec::new() };
    let kind = action["type"].as_str().unwrap_or_default();
    let calls = action[kind]["tool_calls"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    calls
        .map(|call| match call.get("function") {
            Some(function) => format!("{}({})", text(&function["name"]), text(&function["arguments"])),
            None => format!("{}({})", text(&call["name"]), text(&call["arguments"])),
        })
        .collect()
}

/// What the agent said last, without the markers of citations: they would mean something else to who has asked.
async fn said(service: &Service, nested: &Nested) -> Result<String, TurnFault> {
    let project = &nested.turn().project;
    let listing = Listing {
        facet: Some(nested.run()),
        order: Order::Desc,
        limit: NEWEST,
        ..Listing::all(project, MESSAGE, nested.thread())
    };
    for item in service.store().list(listing).await.map_err(unreadable)?.items {
        let message: Message = kinds::read(&kinds::key(project, MESSAGE, item.id), &item.doc)?;
        let texts = message.content.iter().filter_map(|block| match block {
            ContentBlock::Text(block) => Some(without_citations(&block.text)),
            _ => None,
        });
        let said: String = texts.collect();
        if message.role == Role::Assistant && !said.trim().is_empty() {
            return Ok(said);
        }
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn calls_are_named_whatever_is_asked_of_the_client() {
        let outputs = json!({"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ]}});
        let approvals = json!({"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": [
            {"id": "call_1", "type": "mcp", "name": "erase", "server_label": "disk", "arguments": "{}"},
        ]}});
        let read = |action: Value| calls(&serde_json::from_value(action).unwrap());
        assert_eq!(read(outputs), ["f({\"a\":1})", "g({})"]);
        assert_eq!(read(approvals), ["erase({})"]);
    }
}
