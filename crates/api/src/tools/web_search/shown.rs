//! How searches of the web are shown: `web_search_call` with its events, or pairs of items as Bing's own tools.

use cupola_engine::turn::CallOutcome;
use cupola_models::RequestedCall;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CUSTOM_SEARCH_KIND, GROUNDING_KIND, found::Found};
use crate::{
    citations::Source,
    tools::{
        Shown, Stage,
        paired::{Paired, PairedOutput},
    },
};

/// Calls of `web_search` and its versions.
pub struct Searches;

impl Shown for Searches {
    fn item_type(&self) -> &'static str {
        "web_search_call"
    }

    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value {
        let (status, found) = match stage {
            Stage::Asked | Stage::UnderWay => ("in_progress", None),
            Stage::CutShort => ("incomplete", None),
            Stage::Done(outcome) => match found(outcome) {
                Some(found) if outcome.fault.is_none() => ("completed", Some(found)),
                _ => ("failed", None),
            },
        };
        let query = asked_for(call);
        let mut action = json!({"type": "search", "query": query, "queries": [query]});
        if let Some(found) = found {
            let sources = found.pages.iter().map(|page| json!({"type": "url", "url": page.url}));
            action["sources"] = sources.collect();
        }
        json!({"status": status, "action": action})
    }

    fn events(&self, stage: Stage<'_>) -> &'static [&'static str] {
        match stage {
            Stage::Asked => &["response.web_search_call.in_progress"],
            Stage::UnderWay => &["response.web_search_call.searching"],
            Stage::Done(CallOutcome { fault: None, .. }) => &["response.web_search_call.completed"],
            // The wire knows no event for a search that failed: its item says so.
            Stage::Done(..) | Stage::CutShort => &[],
        }
    }

    fn in_step(&self, _: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value> {
        let outcome = match stage {
            Stage::Done(outcome) => Some(outcome),
            _ => None,
        };
        Map::from_iter([("web_search".to_owned(), step(call, outcome))])
    }

    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>) {
        sources(outcome)
    }
}

/// Calls of Bing.
pub static GROUNDING: Paired = Paired {
    call_type: "bing_grounding_call",
    output: PairedOutput { item_type: "bing_grounding_call_output", is_named: false, text },
    step: |call, outcome| (GROUNDING_KIND, step(call, outcome)),
    sources,
};

/// Calls of a part of Bing, in responses.
pub static CUSTOM_SEARCH_PREVIEW: Paired = Paired {
    call_type: "bing_custom_search_preview_call",
    output: PairedOutput { item_type: "bing_custom_search_preview_call_output", is_named: false, text },
    step: |call, outcome| (CUSTOM_SEARCH_KIND, step(call, outcome)),
    sources,
};

/// Calls of a part of Bing, in runs.
pub static CUSTOM_SEARCH: Paired = Paired {
    call_type: "bing_custom_search_call",
    output: PairedOutput { item_type: "bing_custom_search_call_output", is_named: false, text },
    step: |call, outcome| (CUSTOM_SEARCH_KIND, step(call, outcome)),
    sources,
};

/// What the step of a run shows: texts by name.
fn step(call: &RequestedCall, outcome: Option<&CallOutcome>) -> Value {
    let Some(found) = outcome.and_then(found) else {
        let mut step = json!({"requesturl": "", "response_metadata": ""});
        if let Some(fault) = outcome.and_then(|outcome| outcome.fault.as_ref()) {
            step["response_metadata"] =
                json!({"query": asked_for(call), "error": fault.message}).to_string().into();
        }
        return step;
    };
    let metadata = json!({
        "query": found.query, "num_docs_retrieved": found.given, "num_docs_actually_used": found.pages.len(),
    });
    json!({"requesturl": found.request, "response_metadata": metadata.to_string()})
}

/// What stands in an output: the pages, as Bing has them.
fn text(outcome: &CallOutcome) -> String {
    let Some(found) = found(outcome) else { return outcome.output.clone() };
    let pages = found.pages.iter().map(|page| {
        json!({"name": page.title, "url": page.url, "snippet": page.excerpt, "datePublished": page.published})
    });
    json!({"webPages": {"value": pages.collect::<Vec<_>>()}}).to_string()
}

fn sources(outcome: &CallOutcome) -> (u64, Vec<Source>) {
    let Found { call, pages, .. } = found(outcome).unwrap_or_default();
    (call, pages.into_iter().map(|page| Source::Url { url: page.url, title: page.title }).collect())
}

/// What was found, where there was a search.
fn found(outcome: &CallOutcome) -> Option<Found> {
    Found::deserialize(&outcome.detail).ok()
}

fn asked_for(call: &RequestedCall) -> String {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
    arguments["query"].as_str().unwrap_or_default().to_owned()
}
