//! How searches are shown: items of responses, steps of runs.

use cupola_engine::turn::CallOutcome;
use cupola_models::RequestedCall;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Found, KIND, queries};
use crate::{
    citations::Source,
    tools::{Shown, Stage},
};

/// The ranker that steps name where nobody chose one.
const RANKER: &str = "default_2024_08_21";

/// Calls of `file_search`.
pub struct Calls;

impl Shown for Calls {
    fn item_type(&self) -> &'static str {
        "file_search_call"
    }

    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value {
        match stage {
            Stage::Asked | Stage::UnderWay => {
                json!({"status": "in_progress", "queries": [], "results": null})
            }
            Stage::CutShort => json!({"status": "incomplete", "queries": [], "results": null}),
            Stage::Done(outcome) => {
                let status = if outcome.fault.is_none() { "completed" } else { "failed" };
                let results = found(outcome).map(|found| found.results);
                json!({"status": status, "queries": asked_for(call), "results": results})
            }
        }
    }

    fn events(&self, stage: Stage<'_>) -> &'static [&'static str] {
        match stage {
            Stage::Asked => &["response.file_search_call.in_progress"],
            Stage::UnderWay => &["response.file_search_call.searching"],
            Stage::Done(CallOutcome { fault: None, .. }) => &["response.file_search_call.completed"],
            // The wire knows no event for a search that failed: its item says so.
            Stage::Done(..) | Stage::CutShort => &[],
        }
    }

    fn in_step(&self, settings: &Value, _: &RequestedCall, stage: Stage<'_>) -> Map<String, Value> {
        let mut ranking = json!({"ranker": RANKER, "score_threshold": 0.0});
        if let (Value::Object(ranking), Value::Object(chosen)) = (&mut ranking, &settings["ranking_options"])
        {
            ranking.extend(chosen.clone());
        }
        let results = match stage {
            Stage::Done(outcome) => found(outcome).unwrap_or_default().results,
            Stage::Asked | Stage::UnderWay | Stage::CutShort => Vec::new(),
        };
        let results = results.into_iter().map(|result| {
            json!({
                "file_id": result.file_id, "file_name": result.filename, "score": result.score,
                "attributes": result.attributes, "content": [{"type": "text", "text": result.text}],
            })
        });
        let body = json!({"ranking_options": ranking, "results": results.collect::<Vec<_>>()});
        Map::from_iter([(KIND.to_owned(), body)])
    }

    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>) {
        let Found { call, results, .. } = found(outcome).unwrap_or_default();
        let sources = results.into_iter();
        let sources =
            sources.map(|result| Source::File { file_id: result.file_id, filename: result.filename });
        (call, sources.collect())
    }
}

/// What was found, where there was a search.
fn found(outcome: &CallOutcome) -> Option<Found> {
    Found::deserialize(&outcome.detail).ok()
}

fn asked_for(asked: &RequestedCall) -> Vec<String> {
    let arguments = serde_json::from_str(&asked.arguments).unwrap_or_default();
    queries(&arguments).unwrap_or_default()
}
