//! The streams of runs, each compared with its golden file.

use cupola_models::{Fault, FaultKind, Finish, ModelDelta};
use serde_json::json;

use crate::{
    app::{Setup, TestApp},
    golden::{assert_golden, names},
    model::{Gate, Piece, ScriptedModel, call, end, words},
};

/// The stream of a run of an agent with two functions, on a thread with one message.
async fn streamed(app: &TestApp) -> String {
    let agent = app.agent_with_functions().await;
    let thread = app.thread().await;
    app.user.stream(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await.all().await
}

#[tokio::test]
async fn a_text() {
    let app = TestApp::start().await;
    app.model.says("The answer is 42.");
    assert_golden("text", &streamed(&app).await);
}

#[tokio::test]
async fn a_thread_and_a_run_at_once() {
    let app = TestApp::start().await;
    app.model.says("Hello.");
    let agent = app.agent().await;
    let body = json!({
        "assistant_id": agent,
        "thread": {"messages": [{"role": "user", "content": "Hi"}], "metadata": {"a": "b"}},
    });
    assert_golden("thread_and_run", &app.user.stream("/threads/runs", body).await.all().await);
}

#[tokio::test]
async fn a_function_call_and_the_answer_to_its_output() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", r#"{"city":"Oslo"}"#);
    app.model.says("It rains.");
    let agent = app.agent_with_functions().await;
    let thread = app.thread().await;
    let mut events =
        app.user.stream(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    events.until("thread.run.requires_action").await;
    let run = events.object("thread.run.requires_action");
    assert_golden("function_call", &events.all().await);

    let submit = format!("/threads/{thread}/runs/{}/submit_tool_outputs", run["id"].as_str().unwrap());
    let outputs = json!({"tool_outputs": [{"tool_call_id": "call_of_the_model_1", "output": "rain"}]});
    assert_golden("function_call_submitted", &app.user.stream(&submit, outputs).await.all().await);
}

#[tokio::test]
async fn two_calls_at_once() {
    let app = TestApp::start().await;
    let calls = [
        call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#),
        call(1, "call_of_the_model_2", "get_time", r#"{"city":"Bergen"}"#),
    ];
    app.model.then(calls.concat().into_iter().chain(end(Finish::ToolCalls, 20, 9)));
    assert_golden("parallel_calls", &streamed(&app).await);
}

#[tokio::test]
async fn a_text_and_then_a_call() {
    let app = TestApp::start().await;
    let pieces = words("Let me look.").into_iter();
    let pieces = pieces.chain(call(0, "call_of_the_model_1", "get_weather", "{}"));
    app.model.then(pieces.chain(end(Finish::ToolCalls, 20, 9)));
    assert_golden("text_then_call", &streamed(&app).await);
}

#[tokio::test]
async fn a_failure_before_any_text() {
    let app = TestApp::start().await;
    app.model.refuses(FaultKind::RateLimited, "The upstream asks for fewer requests.");
    assert_golden("failure_before_text", &streamed(&app).await);
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_text() {
    let app = TestApp::start().await;
    let fault = Fault::new(FaultKind::Broken, "The upstream closed the connection.");
    app.model.then(words("Once upon a").into_iter().chain([Piece::Fails(fault)]));
    assert_golden("failure_after_text", &streamed(&app).await);
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_call() {
    let app = TestApp::start().await;
    let fault = Fault::new(FaultKind::Broken, "The upstream closed the connection.");
    let pieces = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"#);
    app.model.then(pieces.into_iter().chain([Piece::Fails(fault)]));
    assert_golden("failure_in_call", &streamed(&app).await);
}

#[tokio::test]
async fn an_answer_without_its_end() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon a"));
    assert_golden("broken_off", &streamed(&app).await);
}

#[tokio::test]
async fn a_cancellation_in_the_middle_of_a_text() {
    let app = TestApp::start().await;
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let agent = app.agent().await;
    let thread = app.thread().await;
    let mut events =
        app.user.stream(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    events.until("thread.message.delta").await;
    let run = events.object("thread.run.in_progress")["id"].as_str().unwrap().to_owned();
    app.user.post_nothing(&format!("/threads/{thread}/runs/{run}/cancel")).await.accepted();
    assert_golden("cancelled_in_text", &events.all().await);
}

#[tokio::test]
async fn a_deadline_in_the_middle_of_a_text() {
    let mut setup = Setup::default();
    setup.settings.expires_after = std::time::Duration::from_millis(1500);
    let app = TestApp::with(setup).await;
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    assert_golden("expired_in_text", &streamed(&app).await);
}

#[tokio::test]
async fn a_text_cut_short_by_the_limit_of_tokens() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon a").into_iter().chain(end(Finish::Length, 10, 3)));
    assert_golden("incomplete", &streamed(&app).await);
}

#[tokio::test]
async fn a_text_withheld_by_a_content_filter() {
    let app = TestApp::start().await;
    app.model.then(words("Once").into_iter().chain(end(Finish::ContentFilter, 10, 1)));
    assert_golden("content_filter", &streamed(&app).await);
}

#[tokio::test]
async fn a_call_cut_short_by_the_limit_of_tokens_leaves_no_step_open() {
    let app = TestApp::start().await;
    let pieces = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"#);
    app.model.then(pieces.into_iter().chain(end(Finish::Length, 10, 3)));
    let stream = streamed(&app).await;
    let count = |event: &str| names(&stream).into_iter().filter(|name| *name == event).count();
    let begun = count("thread.run.step.created");
    let ended = ["completed", "failed", "cancelled", "expired"];
    let ended: usize = ended.iter().map(|end| count(&format!("thread.run.step.{end}"))).sum();
    assert_eq!(begun, ended, "every step that was announced is also ended:\n{stream}");
    assert_golden("incomplete_call", &stream);
}

#[tokio::test]
async fn a_prompt_that_does_not_fit() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let thread = app.thread().await;
    let body = json!({"assistant_id": agent, "max_prompt_tokens": 2});
    let stream = app.user.stream(&format!("/threads/{thread}/runs"), body).await.all().await;
    assert_golden("prompt_too_long", &stream);
}

#[tokio::test]
async fn no_text_at_all_is_still_a_message() {
    let app = TestApp::start().await;
    app.model.then(end(Finish::Stop, 10, 0));
    assert_golden("empty_text", &streamed(&app).await);
}

#[tokio::test]
async fn a_delta_is_sent_at_once_and_not_with_the_next_one() {
    let app = TestApp::with(Setup { model: ScriptedModel::default(), ..Setup::default() }).await;
    let gate = Gate::closed();
    let first = Piece::Says(ModelDelta::Text("first".to_owned()));
    app.model.then([first, Piece::Waits(gate.clone())].into_iter().chain(end(Finish::Stop, 1, 1)));
    let agent = app.agent().await;
    let thread = app.thread().await;
    let mut events =
        app.user.stream(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    // This would never return if the first word waited for what comes after the gate.
    events.until("thread.message.delta").await;
    gate.open();
    assert!(events.all().await.ends_with("event: done\ndata: [DONE]\n\n"));
}

#[tokio::test]
async fn every_frame_is_one_event_line_one_data_line_and_one_empty_line() {
    let app = TestApp::start().await;
    app.model.then(words("lines\nand \r\n more\u{2028}here").into_iter().chain(end(Finish::Stop, 1, 1)));
    let stream = streamed(&app).await;
    assert!(!stream.contains('\r'));
    for frame in stream.strip_suffix("\n\n").unwrap().split("\n\n") {
        let lines: Vec<&str> = frame.split('\n').collect();
        assert_eq!(lines.len(), 2, "{frame}");
        assert!(lines[0].starts_with("event: ") && lines[1].starts_with("data: "), "{frame}");
    }
}
