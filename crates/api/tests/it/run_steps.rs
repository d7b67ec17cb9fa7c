//! `/threads/{thread}/runs/{run}/steps`.

use cupola_models::{Fault, FaultKind, Finish};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    model::{Piece, call, end, words},
};

/// Asserts that the steps of a run add up to its usage.
fn assert_adds_up(run: &Value, steps: &[Value]) {
    for field in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        let sum: u64 = steps.iter().map(|step| step["usage"][field].as_u64().unwrap()).sum();
        assert_eq!(run["usage"][field], sum, "{field}: {steps:#?}");
    }
}

#[tokio::test]
async fn the_steps_of_a_run_with_a_call_are_listed_newest_first_and_add_up() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    assert_snapshot!("waiting_step", app.user.get(&format!("{run}/steps")).await.shown());
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "rain"}]});
    app.user.post(&format!("{run}/submit_tool_outputs"), outputs).await.accepted();
    let done = app.user.until(&run, "completed").await;
    assert_snapshot!("finished_steps", app.user.get(&format!("{run}/steps")).await.shown());
    assert_adds_up(&done, &app.user.list(&format!("{run}/steps")).await);
}

#[tokio::test]
async fn one_step_is_read_by_its_id() {
    let app = TestApp::start().await;
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "completed").await;
    let step = app.user.list(&format!("{run}/steps")).await.remove(0);
    let path = format!("{run}/steps/{}", step["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), step);
    let include = "include%5B%5D=step_details.tool_calls%5B*%5D.file_search.results%5B*%5D.content";
    assert_eq!(app.user.get(&format!("{path}?{include}")).await.accepted(), step);
    let missing = app.user.get(&format!("{run}/steps/step_none")).await;
    assert_refused(&missing, 404, "No run step found with id 'step_none'.", None, None);
}

#[tokio::test]
async fn a_text_before_a_call_is_a_step_of_its_own_and_the_steps_add_up() {
    let app = TestApp::start().await;
    let agent = app.agent_with_functions().await;
    let pieces = words("Let me look.").into_iter();
    let pieces = pieces.chain(call(0, "call_of_the_model_1", "get_weather", "{}"));
    app.model.then(pieces.chain(end(Finish::ToolCalls, 20, 9)));
    let run = app.run(&agent).await;
    app.user.until(&run, "requires_action").await;
    let outputs = json!({"tool_outputs": [{"tool_call_id": "call_of_the_model_1", "output": "rain"}]});
    app.user.post(&format!("{run}/submit_tool_outputs"), outputs).await.accepted();
    let done = app.user.until(&run, "completed").await;
    let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
    let kinds: Vec<&str> = steps.iter().map(|step| step["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message_creation", "tool_calls", "message_creation"]);
    assert_adds_up(&done, &steps);
    // The model sees what it said before its call once, and not again as history.
    let given = app.model.was_given();
    assert_eq!(given, ["user: Hello", "assistant: Let me look.get_weather({})", "tool: rain"]);
}

/// The steps of a run whose model breaks off in the middle of a call, with or without a listener.
async fn steps_of_a_broken_call(streamed: bool) -> Vec<Value> {
    let app = TestApp::start().await;
    let agent = app.agent_with_functions().await;
    let thread = app.thread().await;
    let fault = Fault::new(FaultKind::Broken, "The upstream closed the connection.");
    let pieces = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"#);
    app.model.then(pieces.into_iter().chain([Piece::Fails(fault)]));
    let path = format!("/threads/{thread}/runs");
    let body = json!({"assistant_id": agent});
    if streamed {
        app.user.stream(&path, body).await.all().await;
    } else {
        app.user.create(&path, body).await;
    }
    let run = app.user.list(&path).await[0]["id"].as_str().unwrap().to_owned();
    app.user.until(&format!("{path}/{run}"), "failed").await;
    app.user.list(&format!("{path}/{run}/steps")).await
}

#[tokio::test]
async fn what_a_run_leaves_does_not_depend_on_whether_somebody_listened() {
    let shape = |steps: Vec<Value>| {
        let shape = steps.iter().map(|step| json!([step["type"], step["status"], step["step_details"]]));
        shape.collect::<Vec<_>>()
    };
    assert_eq!(shape(steps_of_a_broken_call(true).await), shape(steps_of_a_broken_call(false).await));
}
