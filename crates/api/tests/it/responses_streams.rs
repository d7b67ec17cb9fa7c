//! The streams of responses, each compared with its golden file.

use cupola_models::{Fault, FaultKind, Finish};
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    golden::{assert_golden, names},
    model::{Gate, Piece, call, end, words},
    named_agents::add_version,
    responses::{PATH, declared, output, path_of},
};

fn question() -> Value {
    json!({"model": "gpt", "input": "Hi", "tools": [declared("get_weather"), declared("get_time")]})
}

async fn streamed(app: &TestApp, body: Value) -> String {
    app.user.stream(PATH, body).await.all().await
}

/// The sequence numbers of a stream.
pub fn numbers(stream: &str) -> Vec<u64> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str::<Value>(data).unwrap()["sequence_number"].as_u64().unwrap())
        .collect()
}

/// Every event has the next number, from 0 on.
#[track_caller]
pub fn assert_gapless(stream: &str) {
    let numbers = numbers(stream);
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_text() {
    let app = TestApp::start().await;
    app.model.says("The answer is 42.");
    let stream = streamed(&app, json!({"model": "gpt", "input": "Hi"})).await;
    assert_gapless(&stream);
    assert_golden("responses/text", &stream);
}

#[tokio::test]
async fn a_text_of_an_agent_in_a_conversation() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be kind.").await;
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let agent = json!({"name": "weather", "type": "agent_reference"});
    let body = json!({"input": "Hi", "agent_reference": agent, "conversation": conversation});
    assert_golden("responses/agent", &streamed(&app, body).await);
}

#[tokio::test]
async fn a_function_call_and_the_answer_to_its_output() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", r#"{"city":"Oslo"}"#);
    app.model.says("It rains.");
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.completed").await;
    let asked = events.object("response.completed")["response"]["id"].clone();
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_golden("responses/function_call", &stream);
    let mut body = question();
    body["input"] = json!([output("call_of_the_model_1", "rain")]);
    body["previous_response_id"] = asked;
    assert_golden("responses/function_call_answered", &streamed(&app, body).await);
}

#[tokio::test]
async fn two_calls_at_once() {
    let app = TestApp::start().await;
    let first = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    let second = call(1, "call_of_the_model_2", "get_time", "{}");
    app.model.then(first.into_iter().chain(second).chain(end(Finish::ToolCalls, 20, 5)));
    let stream = streamed(&app, question()).await;
    assert_gapless(&stream);
    assert_golden("responses/parallel_calls", &stream);
}

#[tokio::test]
async fn two_calls_whose_arguments_come_in_turns_are_told_one_after_the_other() {
    let app = TestApp::start().await;
    let first = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    let second = call(1, "call_of_the_model_2", "get_time", r#"{"zone":"UTC"}"#);
    let in_turns = first.into_iter().zip(second).flat_map(|(one, other)| [one, other]);
    app.model.then(in_turns.chain(end(Finish::ToolCalls, 20, 5)));
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.completed").await;
    let response = events.object("response.completed")["response"].clone();
    assert_eq!(response["output"][0]["arguments"], r#"{"city":"Oslo"}"#);
    assert_eq!(response["output"][1]["arguments"], r#"{"zone":"UTC"}"#);
    assert_gapless(&events.all().await);
}

#[tokio::test]
async fn a_text_and_then_a_call() {
    let app = TestApp::start().await;
    let called = call(0, "call_of_the_model_1", "get_weather", "{}");
    app.model.then(words("Let me see.").into_iter().chain(called).chain(end(Finish::ToolCalls, 20, 5)));
    let stream = streamed(&app, question()).await;
    assert_gapless(&stream);
    assert_golden("responses/text_then_call", &stream);
}

#[tokio::test]
async fn an_empty_answer_is_an_empty_message() {
    let app = TestApp::start().await;
    app.model.then(end(Finish::Stop, 10, 0));
    assert_golden("responses/empty_text", &streamed(&app, question()).await);
}

#[tokio::test]
async fn a_failure_before_a_word() {
    let app = TestApp::start().await;
    app.model.refuses(FaultKind::RateLimited, "Fewer requests, please.");
    assert_golden("responses/failure_before_text", &streamed(&app, question()).await);
}

#[tokio::test]
async fn a_failure_in_the_text() {
    let app = TestApp::start().await;
    let broken = Piece::Fails(Fault::new(FaultKind::Broken, "The connection broke."));
    app.model.then(words("Once upon ").into_iter().chain([broken]));
    let stream = streamed(&app, question()).await;
    assert_gapless(&stream);
    assert_golden("responses/failure_after_text", &stream);
}

/// A call whose arguments do not come to their end.
fn half_a_call() -> Vec<Piece> {
    let mut half = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    half.truncate(2);
    half
}

#[tokio::test]
async fn a_failure_in_a_call() {
    let app = TestApp::start().await;
    let broken = Piece::Fails(Fault::new(FaultKind::Broken, "The connection broke."));
    app.model.then(half_a_call().into_iter().chain([broken]));
    let stream = streamed(&app, question()).await;
    assert_gapless(&stream);
    assert_golden("responses/failure_in_call", &stream);
}

#[tokio::test]
async fn a_call_that_reached_the_limit() {
    let app = TestApp::start().await;
    app.model.then(half_a_call().into_iter().chain(end(Finish::Length, 10, 2)));
    let stream = streamed(&app, question()).await;
    assert_gapless(&stream);
    assert_golden("responses/incomplete_call", &stream);
}

#[tokio::test]
async fn an_answer_that_reached_its_limit() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon").into_iter().chain(end(Finish::Length, 10, 2)));
    let mut body = question();
    body["max_output_tokens"] = json!(2);
    assert_golden("responses/incomplete", &streamed(&app, body).await);
}

#[tokio::test]
async fn an_answer_that_a_content_filter_cut() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon").into_iter().chain(end(Finish::ContentFilter, 10, 2)));
    assert_golden("responses/content_filter", &streamed(&app, question()).await);
}

#[tokio::test]
async fn the_background_is_queued_first_and_its_events_can_be_read_again_from_anywhere() {
    let app = TestApp::start().await;
    app.model.says("The answer is 42.");
    let body = json!({"model": "gpt", "input": "Hi", "background": true});
    let mut events = app.user.stream(PATH, body).await;
    events.until("response.completed").await;
    let path = path_of(&events.object("response.completed")["response"]);
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_golden("responses/background", &stream);

    let again = app.user.get(&format!("{path}?stream=true")).await;
    assert_eq!(again.headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(again.body, stream);
    let last = *numbers(&stream).last().unwrap();
    for after in [0, 4, last - 1, last] {
        let rest = app.user.get(&format!("{path}?stream=true&starting_after={after}")).await;
        let rest = String::from_utf8(rest.body.to_vec()).unwrap();
        assert_eq!(numbers(&rest), (after + 1..=last).collect::<Vec<_>>());
        assert!(stream.ends_with(&rest));
    }
}

#[tokio::test]
async fn a_reader_who_comes_back_in_the_middle_gets_the_rest_as_it_comes() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    let pieces = words("one two ").into_iter().chain([Piece::Waits(gate.clone())]);
    app.model.then(pieces.chain(words("three four")).chain(end(Finish::Stop, 10, 4)));
    let body = json!({"model": "gpt", "input": "Hi", "background": true});
    let mut events = app.user.stream(PATH, body).await;
    events.until("response.output_text.delta").await;
    let path = path_of(&events.object("response.created")["response"]);
    let seen = events.object("response.output_text.delta")["sequence_number"].as_u64().unwrap();
    drop(events);
    let rest = {
        let app = app.user.clone();
        let path = format!("{path}?stream=true&starting_after={seen}");
        tokio::spawn(async move { app.get(&path).await })
    };
    gate.open();
    let rest = String::from_utf8(rest.await.unwrap().body.to_vec()).unwrap();
    let numbers = numbers(&rest);
    assert_eq!(numbers, (seen + 1..seen + 1 + numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(names(&rest).last(), Some(&"response.completed"));
}

#[tokio::test]
async fn a_cancelled_response_ends_its_stream_without_an_event_of_its_own() {
    let app = TestApp::start().await;
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let body = json!({"model": "gpt", "input": "Hi", "background": true});
    let mut events = app.user.stream(PATH, body).await;
    events.until("response.output_text.delta").await;
    let path = path_of(&events.object("response.created")["response"]);
    let cancelled = app.user.post_nothing(&format!("{path}/cancel")).await.accepted();
    assert_eq!(cancelled["status"], "cancelled");
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_golden("responses/cancelled", &stream);
}

#[tokio::test]
async fn a_response_is_told_to_its_end_when_the_reader_of_its_stream_leaves() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    let pieces = words("Once ").into_iter().chain([Piece::Waits(gate.clone())]).chain(words("upon a time. "));
    let called = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    app.model.then(pieces.chain(called).chain(end(Finish::ToolCalls, 10, 4)));
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.output_text.delta").await;
    let path = path_of(&events.object("response.created")["response"]);
    drop(events);
    gate.open();
    let response = app.user.until(&path, "completed").await;
    assert_eq!(response["output"][0]["content"][0]["text"], "Once upon a time. ");
    assert_eq!(response["output"][1]["arguments"], r#"{"city":"Oslo"}"#);
}
