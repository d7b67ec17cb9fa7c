//! The streams of responses in the background, each compared with its golden file.

use cupola_models::{Fault, FaultKind, Finish};
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    golden::{assert_golden, names},
    model::{Gate, Piece, call, end, words},
    named_agents::add_version,
    responses::{PATH, declared, path_of},
    responses_streams::assert_gapless,
};

fn in_background(mut body: Value) -> Value {
    body["background"] = json!(true);
    body
}

fn question() -> Value {
    in_background(json!({"model": "gpt", "input": "Hi", "tools": [declared("get_weather")]}))
}

/// The whole stream of a response, which its terminal event ends; read once more it has to be the same.
async fn told_twice(app: &TestApp, body: Value, terminal: &str) -> String {
    let mut events = app.user.stream(PATH, body).await;
    events.until(terminal).await;
    let path = path_of(&events.object("response.created")["response"]);
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_eq!(names(&stream).last(), Some(&terminal));
    assert_eq!(app.user.get(&format!("{path}?stream=true")).await.body, stream);
    stream
}

#[tokio::test]
async fn a_failure_before_a_word() {
    let app = TestApp::start().await;
    app.model.refuses(FaultKind::RateLimited, "Fewer requests, please.");
    let stream = told_twice(&app, question(), "response.failed").await;
    assert_golden("responses/background_failed", &stream);
}

#[tokio::test]
async fn a_failure_in_the_text() {
    let app = TestApp::start().await;
    let broken = Piece::Fails(Fault::new(FaultKind::Broken, "The connection broke."));
    app.model.then(words("Once upon ").into_iter().chain([broken]));
    let stream = told_twice(&app, question(), "response.failed").await;
    assert_golden("responses/background_failed_in_text", &stream);
}

#[tokio::test]
async fn an_answer_that_reached_its_limit() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon").into_iter().chain(end(Finish::Length, 10, 2)));
    let mut body = question();
    body["max_output_tokens"] = json!(2);
    let stream = told_twice(&app, body, "response.incomplete").await;
    assert_golden("responses/background_incomplete", &stream);
}

#[tokio::test]
async fn a_function_call() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", r#"{"city":"Oslo"}"#);
    let stream = told_twice(&app, question(), "response.completed").await;
    assert_golden("responses/background_function_call", &stream);
}

#[tokio::test]
async fn a_call_of_a_custom_tool() {
    let app = TestApp::start().await;
    app.model.calls("shout", r#"{"input":"Hello"}"#);
    let mut body = question();
    body["tools"] = json!([{"type": "custom", "name": "shout"}]);
    let stream = told_twice(&app, body, "response.completed").await;
    assert_golden("responses/background_custom_tool_call", &stream);
}

#[tokio::test]
async fn a_text_of_an_agent_in_a_conversation() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be kind.").await;
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let agent = json!({"name": "weather", "type": "agent_reference"});
    let body = json!({"input": "Hi", "agent_reference": agent, "conversation": conversation});
    let stream = told_twice(&app, in_background(body), "response.completed").await;
    assert_golden("responses/background_agent", &stream);
}

#[tokio::test]
async fn the_rest_for_a_reader_who_has_seen_the_first_events() {
    let app = TestApp::start().await;
    app.model.says("The answer is 42.");
    let stream = told_twice(&app, question(), "response.completed").await;
    let mut events = stream.split_inclusive("\n\n");
    let created = events.next().unwrap();
    let path: Value = serde_json::from_str(created.split("data: ").nth(1).unwrap()).unwrap();
    let path = path_of(&path["response"]);
    let rest = app.user.get(&format!("{path}?stream=true&starting_after=5")).await;
    let rest = String::from_utf8(rest.body.to_vec()).unwrap();
    assert_golden("responses/background_from_6", &rest);
}

#[tokio::test]
async fn a_turn_that_waited_for_another_and_was_cancelled_before_its_own_began() {
    let app = TestApp::start().await;
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let on =
        |input: &str| in_background(json!({"model": "gpt", "input": input, "conversation": conversation}));
    app.model.then([Piece::Waits(Gate::closed())]);
    let first = path_of(&app.ask(on("one")).await);
    app.user.until(&first, "in_progress").await;
    let mut events = app.user.stream(PATH, on("two")).await;
    events.until("response.queued").await;
    let second = path_of(&events.object("response.created")["response"]);
    let cancelled = app.user.post_nothing(&format!("{second}/cancel")).await.accepted();
    assert_eq!((&cancelled["status"], &cancelled["output"]), (&json!("cancelled"), &json!([])));
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_golden("responses/background_cancelled_in_the_queue", &stream);
    app.user.post_nothing(&format!("{first}/cancel")).await.accepted();
}

#[tokio::test]
async fn a_call_that_was_cancelled_in_its_arguments() {
    let app = TestApp::start().await;
    let mut half = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    half.truncate(2);
    app.model.then(half.into_iter().chain([Piece::Waits(Gate::closed())]));
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.function_call_arguments.delta").await;
    let path = path_of(&events.object("response.created")["response"]);
    app.user.post_nothing(&format!("{path}/cancel")).await.accepted();
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_golden("responses/background_cancelled_in_call", &stream);
}
