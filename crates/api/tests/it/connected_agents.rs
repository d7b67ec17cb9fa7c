//! `connected_agent`: runs that other runs ask for.

use std::time::Duration;

use cupola_models::FaultKind;
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp, function, thread_of},
    golden::assert_golden,
    model::{Gate, Piece, words},
};

/// An agent that may ask another one, as `stocks`.
async fn asking(app: &TestApp, other: &str) -> String {
    app.agent_with(json!([connected(other, "stocks")])).await
}

fn connected(agent: &str, name: &str) -> Value {
    let details = json!({"id": agent, "name": name, "description": "Knows the price of every stock."});
    json!({"type": "connected_agent", "connected_agent": details})
}

/// What the step of the only call of a run shows.
async fn shown(app: &TestApp, run: &str) -> Value {
    let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
    let call = &steps[0]["step_details"]["tool_calls"][0];
    assert_eq!(call["type"], "connected_agent");
    call["connected_agent"].clone()
}

/// The run that another one has asked for, by what the step of that one shows.
fn nested(shown: &Value) -> String {
    let id = |field: &str| shown[field].as_str().unwrap();
    format!("/threads/{}/runs/{}", id("thread_id"), id("run_id"))
}

/// The path of the one run on the thread that was made last.
async fn newest_run(app: &TestApp) -> String {
    loop {
        let threads = app.user.list("/threads").await;
        let thread = format!("/threads/{}", threads[0]["id"].as_str().unwrap());
        let runs = app.user.list(&format!("{thread}/runs")).await;
        if let [run] = runs.as_slice() {
            return format!("{thread}/runs/{}", run["id"].as_str().unwrap());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until the model was asked so often.
async fn asked(app: &TestApp, times: usize) {
    while app.model.requests().len() < times {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn says_then_waits(app: &TestApp) {
    app.model.then(words("Well ").into_iter().chain([Piece::Waits(Gate::closed())]));
}

#[tokio::test]
async fn a_connected_agent_is_streamed_as_the_service_does() {
    let app = TestApp::start().await;
    let agent = asking(&app, &app.agent().await).await;
    app.model.calls("stocks", r#"{"query":"What is Contoso worth?"}"#);
    app.model.says("Five kroner.");
    app.model.says("It is worth five kroner.");
    let thread = app.thread().await;
    let body = json!({"assistant_id": agent});
    let stream = app.user.stream(&format!("/threads/{thread}/runs"), body).await.all().await;
    assert_golden("connected_agent", &stream);
}

#[tokio::test]
async fn the_other_agent_answers_in_a_run_of_its_own_that_everybody_can_see() {
    let app = TestApp::start().await;
    let other = app.agent().await;
    let agent = asking(&app, &other).await;
    app.model.calls("stocks", r#"{"query":"What is Contoso worth?"}"#);
    app.model.says("Five kroner.");
    app.model.says("It is worth five kroner.");
    let run = app.run(&agent).await;
    let seen = app.user.until(&run, "completed").await;
    assert_eq!(app.model.requests()[1].messages.len(), 1);
    assert_eq!(app.model.was_given().last().unwrap(), "tool: Five kroner.");

    let shown = shown(&app, &run).await;
    assert_eq!(shown["name"], "stocks");
    assert_eq!(shown["arguments"], r#"{"query":"What is Contoso worth?"}"#);
    assert_eq!(shown["output"], "Five kroner.");
    assert_eq!(shown["assistant_id"], other);
    let own = nested(&shown);
    let own_run = app.user.get(&own).await.accepted();
    assert_eq!((&own_run["status"], &own_run["assistant_id"]), (&json!("completed"), &json!(other)));
    let messages = app.user.list(&format!("{}/messages?order=asc", thread_of(&own))).await;
    let said: Vec<&Value> = messages.iter().map(|m| &m["content"][0]["text"]["value"]).collect();
    assert_eq!(said, ["What is Contoso worth?", "Five kroner."]);

    let steps = app.user.list(&format!("{run}/steps")).await;
    for field in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        let sum: u64 = steps.iter().map(|step| step["usage"][field].as_u64().unwrap()).sum();
        assert_eq!(seen["usage"][field], sum, "{field}");
    }
    // A call, the other agent, and the answer.
    assert_eq!(seen["usage"]["prompt_tokens"], 20 + 10 + 10);
}

#[tokio::test]
async fn two_agents_are_asked_at_the_same_time() {
    let app = TestApp::start().await;
    let other = app.agent().await;
    let agent = app.agent_with(json!([connected(&other, "one"), connected(&other, "two")])).await;
    let calls = [
        crate::model::call(0, "call_of_the_model_1", "one", r#"{"query":"First?"}"#),
        crate::model::call(1, "call_of_the_model_2", "two", r#"{"query":"Second?"}"#),
    ];
    app.model.then(calls.concat().into_iter().chain(crate::model::end(
        cupola_models::Finish::ToolCalls,
        20,
        9,
    )));
    let gate = Gate::closed();
    for _ in 0..2 {
        let wait = [Piece::Waits(gate.clone())];
        let end = crate::model::end(cupola_models::Finish::Stop, 1, 1);
        app.model.then(wait.into_iter().chain(words("Yes.")).chain(end));
    }
    let run = app.run(&agent).await;
    asked(&app, 3).await;
    gate.open();
    app.user.until(&run, "completed").await;
    let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
    let calls = steps[0]["step_details"]["tool_calls"].as_array().unwrap();
    assert_ne!(nested(&calls[0]["connected_agent"]), nested(&calls[1]["connected_agent"]));
}

#[tokio::test]
async fn a_run_that_is_cancelled_takes_the_one_that_it_asked_for_along() {
    let app = TestApp::start().await;
    let agent = asking(&app, &app.agent().await).await;
    app.model.calls("stocks", r#"{"query":"What?"}"#);
    says_then_waits(&app);
    let run = app.run(&agent).await;
    asked(&app, 2).await;
    let own = newest_run(&app).await;
    assert_ne!(own, run);
    app.user.post_nothing(&format!("{run}/cancel")).await.accepted();
    app.user.until(&run, "cancelled").await;
    app.user.until(&own, "cancelled").await;
}

#[tokio::test]
async fn a_run_that_runs_out_of_time_takes_the_one_that_it_asked_for_along() {
    let mut setup = Setup::default();
    setup.settings.expires_after = Duration::from_millis(1500);
    let app = TestApp::with(setup).await;
    let agent = asking(&app, &app.agent().await).await;
    let gate = Gate::closed();
    let calls = crate::model::call(0, "call_of_the_model_1", "stocks", r#"{"query":"What?"}"#);
    let wait = [Piece::Waits(gate.clone())];
    let end = crate::model::end(cupola_models::Finish::ToolCalls, 20, 9);
    app.model.then(wait.into_iter().chain(calls).chain(end));
    says_then_waits(&app);
    let run = app.run(&agent).await;
    // The other agent has more time left than the one that asks.
    tokio::time::sleep(Duration::from_millis(300)).await;
    gate.open();
    asked(&app, 2).await;
    let own = newest_run(&app).await;
    app.user.until(&run, "expired").await;
    app.user.until(&own, "cancelled").await;
}

#[tokio::test]
async fn after_a_crash_the_same_run_goes_on() {
    let app = TestApp::start().await;
    let agent = asking(&app, &app.agent().await).await;
    app.model.calls("stocks", r#"{"query":"What?"}"#);
    says_then_waits(&app);
    let run = app.run(&agent).await;
    asked(&app, 2).await;
    let own = newest_run(&app).await;
    app.engine.drain(Duration::ZERO).await;

    let next = Setup { home: Some(app.home), ..Setup::default() };
    next.model.says("Five kroner.");
    next.model.says("It is worth five kroner.");
    let app = TestApp::with(next).await;
    app.user.until(&run, "completed").await;
    let shown = shown(&app, &run).await;
    assert_eq!((nested(&shown), &shown["output"]), (own, &json!("Five kroner.")));
    assert_eq!(app.user.list("/threads").await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_came_before_a_crash_is_not_asked_for_again() {
    let app = TestApp::start().await;
    let (first, second) = (app.agent().await, app.agent().await);
    let agent = app.agent_with(json!([connected(&first, "one"), connected(&second, "two")])).await;
    let calls = [
        crate::model::call(0, "call_of_the_model_1", "one", r#"{"query":"First?"}"#),
        crate::model::call(1, "call_of_the_model_2", "two", r#"{"query":"Second?"}"#),
    ];
    let end = crate::model::end(cupola_models::Finish::ToolCalls, 20, 9);
    app.model.then(calls.concat().into_iter().chain(end));
    app.model.says("One.");
    says_then_waits(&app);
    let run = app.run(&agent).await;
    asked(&app, 3).await;
    app.engine.drain(Duration::ZERO).await;

    let next = Setup { home: Some(app.home), ..Setup::default() };
    next.model.says("Two.");
    let app = TestApp::with(next).await;
    app.user.until(&run, "completed").await;
    assert_eq!(app.user.list("/threads").await.len(), 3);
    let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
    let calls = steps[0]["step_details"]["tool_calls"].as_array().unwrap();
    let mut outputs: Vec<&str> =
        calls.iter().map(|call| call["connected_agent"]["output"].as_str().unwrap()).collect();
    outputs.sort_unstable();
    assert_eq!(outputs, ["One.", "Two."]);
}

#[tokio::test]
async fn agents_that_ask_each_other_in_a_circle_are_told_so() {
    let app = TestApp::start().await;
    let first = app.agent().await;
    let second = app.agent_with(json!([connected(&first, "first")])).await;
    let tools = json!({"tools": [connected(&second, "second")]});
    app.user.post(&format!("/assistants/{first}"), tools).await.accepted();
    app.model.calls("second", r#"{"query":"Who is it?"}"#);
    app.model.calls("first", r#"{"query":"Who is it?"}"#);
    app.model.says("Nobody knows.");
    let run = app.run(&first).await;
    app.user.until(&run, "completed").await;
    let told = app.model.requests()[2].messages.clone();
    let told = format!("{:?}", told.last().unwrap());
    assert!(told.contains(&format!("{first} → {second} asks it again. It was not asked.")), "{told}");
    assert_eq!(app.user.list("/threads").await.len(), 2);
}

#[tokio::test]
async fn an_agent_that_needs_its_client_is_stopped_and_says_what_it_needed() {
    let app = TestApp::start().await;
    let other = app.agent_with(json!([function("get_weather")])).await;
    let agent = asking(&app, &other).await;
    app.model.calls("stocks", r#"{"query":"How is it?"}"#);
    app.model.calls("get_weather", r#"{"city":"Oslo"}"#);
    app.model.says("I can't tell.");
    let run = app.run(&agent).await;
    app.user.until(&run, "completed").await;
    let shown = shown(&app, &run).await;
    let output = shown["output"].as_str().unwrap();
    assert!(output.starts_with("The agent 'stocks' did not answer. It needs the output of functions"));
    assert!(output.contains(r#"get_weather({"city":"Oslo"})"#), "{output}");
    assert_eq!(app.user.get(&nested(&shown)).await.accepted()["status"], "cancelled");
}

#[tokio::test]
async fn an_agent_that_fails_is_told_of_and_the_run_goes_on() {
    let app = TestApp::start().await;
    let agent = asking(&app, &app.agent().await).await;
    app.model.calls("stocks", r#"{"query":"What?"}"#);
    app.model.refuses(FaultKind::RateLimited, "Too many requests.");
    app.model.says("I can't tell.");
    let run = app.run(&agent).await;
    app.user.until(&run, "completed").await;
    let shown = shown(&app, &run).await;
    assert_eq!(shown["output"], "The agent 'stocks' did not answer. It failed: Too many requests.");
    assert_eq!(app.user.get(&nested(&shown)).await.accepted()["status"], "failed");
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_told_of() {
    let app = TestApp::start().await;
    let agent = asking(&app, "asst_gone").await;
    app.model.calls("stocks", r#"{"query":"What?"}"#);
    let run = app.run(&agent).await;
    app.user.until(&run, "completed").await;
    let told = "tool: The call failed. No assistant found with id 'asst_gone'.";
    assert_eq!(app.model.was_given().last().unwrap(), told);
}

#[tokio::test]
async fn what_the_other_agent_cites_is_not_cited_by_who_has_asked() {
    let setup = Setup { shelf: crate::library::Shelf::about_boats(), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let resources = json!({"file_search": {"vector_store_ids": ["vs_1"]}});
    let other = json!({"model": "gpt", "tools": [{"type": "file_search"}], "tool_resources": resources});
    let other = app.user.create("/assistants", other).await;
    let agent = asking(&app, &other).await;
    app.model.calls("stocks", r#"{"query":"Does it float?"}"#);
    app.model.calls("file_search", r#"{"queries":["boat"]}"#);
    app.model.says("It floats【0:0†source】.");
    let run = app.run(&agent).await;
    app.user.until(&run, "completed").await;
    assert_eq!(shown(&app, &run).await["output"], "It floats.");
}

#[tokio::test]
async fn a_run_that_is_deleted_with_its_thread_is_told_of() {
    let app = TestApp::start().await;
    let agent = asking(&app, &app.agent().await).await;
    app.model.calls("stocks", r#"{"query":"What?"}"#);
    let gate = Gate::closed();
    let end = crate::model::end(cupola_models::Finish::Stop, 1, 1);
    app.model.then([Piece::Waits(gate.clone())].into_iter().chain(words("Late.")).chain(end));
    let run = app.run(&agent).await;
    asked(&app, 2).await;
    let own = newest_run(&app).await;
    app.user.delete(thread_of(&own)).await.accepted();
    gate.open();
    app.user.until(&run, "completed").await;
    let told = "tool: The call failed. The run of the agent was deleted before it had ended.";
    assert_eq!(app.model.was_given().last().unwrap(), told);
}

#[tokio::test]
async fn a_connected_agent_without_an_id_or_a_name_is_refused() {
    let app = TestApp::start().await;
    for (details, field) in [(json!({"name": "a"}), "id"), (json!({"id": "asst_1", "name": " "}), "name")] {
        let tool = json!({"type": "connected_agent", "connected_agent": details});
        let refused = app.user.post("/assistants", json!({"model": "gpt", "tools": [tool]})).await;
        let param = format!("tools[0].connected_agent.{field}");
        let message = format!("Missing required parameter: '{param}'.");
        let code = Some("missing_required_parameter");
        crate::app::assert_refused(&refused, 400, &message, code, Some(&param));
    }
}
