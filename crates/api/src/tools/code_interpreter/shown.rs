//! How code that ran is shown: items of responses, steps of runs.

use cupola_engine::turn::{CallOutcome, ServedCall};
use cupola_models::RequestedCall;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CODE, KIND, code, ran::Ran, ran::Written, settings::Settings};
use crate::{
    citations::Source,
    tools::{Shown, SpelledOut, Stage},
};

/// Calls of `code_interpreter`.
pub struct Calls;

impl Shown for Calls {
    fn item_type(&self) -> &'static str {
        "code_interpreter_call"
    }

    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value {
        let (status, outputs) = match stage {
            Stage::Asked | Stage::UnderWay => ("in_progress", Value::Null),
            Stage::CutShort => ("incomplete", Value::Null),
            Stage::Done(outcome) => {
                let status = if outcome.fault.is_none() { "completed" } else { "failed" };
                (status, outputs(outcome))
            }
        };
        json!({"status": status, "code": code_of(call), "outputs": outputs})
    }

    fn about(&self, settings: &Value, _: &ServedCall) -> Map<String, Value> {
        let settings = Settings::deserialize(settings).unwrap_or_default();
        // Clients that know files of the project alone know no containers either.
        let container = settings.container_id().filter(|_| !settings.publishes);
        Map::from_iter(container.map(|id| ("container_id".to_owned(), json!(id))))
    }

    fn about_item(&self, item: &Value) -> Map<String, Value> {
        Map::from_iter([("container_id".to_owned(), item["container_id"].clone())])
    }

    fn spelled_out(&self) -> Option<SpelledOut> {
        Some(SpelledOut { argument: CODE, event: "response.code_interpreter_call_code", field: "input" })
    }

    fn events(&self, stage: Stage<'_>) -> &'static [&'static str] {
        match stage {
            Stage::Asked => &["response.code_interpreter_call.in_progress"],
            Stage::UnderWay => &["response.code_interpreter_call.interpreting"],
            Stage::Done(CallOutcome { fault: None, .. }) => &["response.code_interpreter_call.completed"],
            // The wire knows no event for a call that failed: its item says so.
            Stage::Done(..) | Stage::CutShort => &[],
        }
    }

    fn in_step(&self, _: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value> {
        let outputs = match stage {
            Stage::Done(outcome) => outputs_in_step(outcome),
            Stage::Asked | Stage::UnderWay | Stage::CutShort => Vec::new(),
        };
        Map::from_iter([(KIND.to_owned(), json!({"input": code_of(call), "outputs": outputs}))])
    }

    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>) {
        (ran(outcome).map_or(0, |ran| ran.call), Vec::new())
    }

    fn links(&self, outcome: &CallOutcome) -> Vec<(String, Source)> {
        let Some(ran) = ran(outcome) else { return Vec::new() };
        let links = ran.files.iter().map(|file| (file.link(), source(&ran, file)));
        links.collect()
    }

    fn figures(&self, outcome: &CallOutcome) -> Vec<Source> {
        let Some(ran) = ran(outcome) else { return Vec::new() };
        ran.figures.iter().map(|figure| source(&ran, figure)).collect()
    }
}

fn source(ran: &Ran, file: &Written) -> Source {
    Source::ContainerFile {
        container_id: ran.container_id.clone(),
        file_id: file.id().to_owned(),
        filename: file.name().to_owned(),
    }
}

/// What came of it, where it ran.
fn ran(outcome: &CallOutcome) -> Option<Ran> {
    Ran::deserialize(&outcome.detail).ok()
}

/// The code that a call asks for; nothing of a call whose arguments are not known yet.
fn code_of(call: &RequestedCall) -> String {
    let arguments = serde_json::from_str(&call.arguments).unwrap_or_default();
    code(&arguments).unwrap_or_default().to_owned()
}

/// What an item of a response shows of it.
fn outputs(outcome: &CallOutcome) -> Value {
    let Some(ran) = ran(outcome) else { return json!([{"type": "logs", "logs": outcome.output}]) };
    let figures = ran.figures.iter().map(|figure| {
        let place = format!("containers/{}/files/{}/content", ran.container_id, figure.file_id);
        json!({"type": "image", "url": place, "file_id": figure.file_id})
    });
    logs(&ran).into_iter().chain(figures).collect()
}

/// What a step of a run shows of it.
fn outputs_in_step(outcome: &CallOutcome) -> Vec<Value> {
    let Some(ran) = ran(outcome) else { return vec![json!({"type": "logs", "logs": outcome.output})] };
    let figures =
        ran.figures.iter().map(|figure| json!({"type": "image", "image": {"file_id": figure.id()}}));
    logs(&ran).into_iter().chain(figures).collect()
}

fn logs(ran: &Ran) -> Option<Value> {
    (!ran.logs.is_empty()).then(|| json!({"type": "logs", "logs": ran.logs}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> RequestedCall {
        RequestedCall { id: "c".into(), name: KIND.into(), arguments: r#"{"code":"1+1"}"#.into() }
    }

    fn outcome(published: Option<&str>) -> CallOutcome {
        let figure = Written {
            file_id: "cfile_1".into(),
            path: "/mnt/data/figure-1.png".into(),
            published: published.map(str::to_owned),
        };
        let ran = Ran {
            call: 2,
            container_id: "cntr_1".into(),
            logs: "2\n".into(),
            figures: vec![figure.clone()],
            files: vec![figure],
        };
        let detail = serde_json::to_value(ran).unwrap_or_default();
        CallOutcome { detail, ..CallOutcome::default() }
    }

    #[test]
    fn an_item_shows_code_logs_and_figures() {
        let item = Calls.item(&call(), Stage::Done(&outcome(None)));
        let expected = json!({"status": "completed", "code": "1+1", "outputs": [
            {"type": "logs", "logs": "2\n"},
            {"type": "image", "url": "containers/cntr_1/files/cfile_1/content", "file_id": "cfile_1"},
        ]});
        assert_eq!(item, expected);
        let settings = json!({"container": {"type": "auto", "id": "cntr_1"}});
        assert_eq!(Calls.about(&settings, &ServedCall::default())["container_id"], "cntr_1");
    }

    #[test]
    fn a_step_shows_files_of_the_project() {
        let step = Calls.in_step(&Value::Null, &call(), Stage::Done(&outcome(Some("assistant-1"))));
        let expected = json!({"input": "1+1", "outputs": [
            {"type": "logs", "logs": "2\n"},
            {"type": "image", "image": {"file_id": "assistant-1"}},
        ]});
        assert_eq!(step[KIND], expected);
    }

    #[test]
    fn files_are_cited_by_their_links() {
        let links = Calls.links(&outcome(Some("assistant-1")));
        assert_eq!(links[0].0, "sandbox:/mnt/data/figure-1.png");
        assert_eq!(links[0].1.key(), "assistant-1");
        assert_eq!(Calls.figures(&outcome(None))[0].key(), "cfile_1");
    }

    #[test]
    fn a_call_that_failed_shows_what_the_model_was_told() {
        let fault = cupola_engine::turn::TurnFault { code: "x".into(), message: "y".into() };
        let failed =
            CallOutcome { output: "The call failed. y".into(), fault: Some(fault), ..CallOutcome::default() };
        let item = Calls.item(&call(), Stage::Done(&failed));
        assert_eq!(item["status"], "failed");
        assert_eq!(item["outputs"], json!([{"type": "logs", "logs": "The call failed. y"}]));
    }
}
