//! Clients that leave.

use std::time::Duration;

use axum::body::Body;
use cupola_models::Finish;
use futures_util::poll;
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, thread_of},
    model::{Gate, Piece, end, words},
};

#[tokio::test]
async fn a_run_goes_on_when_the_reader_of_its_stream_leaves() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    let pieces = words("Once ").into_iter().chain([Piece::Waits(gate.clone())]).chain(words("upon a time."));
    app.model.then(pieces.chain(end(Finish::Stop, 10, 4)));
    let agent = app.agent().await;
    let thread = app.thread().await;
    let mut events =
        app.user.stream(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    events.until("thread.message.delta").await;
    let run = events.object("thread.run.in_progress")["id"].as_str().unwrap().to_owned();
    drop(events);
    gate.open();
    app.user.until(&format!("/threads/{thread}/runs/{run}"), "completed").await;
    let messages = app.user.list(&format!("/threads/{thread}/messages")).await;
    assert_eq!(messages[0]["content"][0]["text"]["value"], "Once upon a time.");
}

/// Sends a request and leaves while it waits for the store.
async fn ask_and_leave(app: &TestApp, path: &str, body: &Value) {
    let request = app.user.request(Method::POST, path).header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    app.keep_the_store_busy();
    let mut answer = Box::pin(app.user.open(request));
    assert!(poll!(&mut answer).is_pending(), "the store is busy, so there can be no answer yet");
}

#[tokio::test]
async fn a_run_whose_client_leaves_before_the_answer_comes_to_its_end_all_the_same() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    for streamed in [false, true] {
        let path = format!("/threads/{}/runs", app.thread().await);
        ask_and_leave(&app, &path, &json!({"assistant_id": agent, "stream": streamed})).await;
        // Whether it was accepted or not: no run may be left that nobody drives.
        let run = loop {
            if let Some(run) = app.user.list(&path).await.pop() {
                break run;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let run = format!("{path}/{}", run["id"].as_str().unwrap());
        let ended = tokio::time::timeout(Duration::from_secs(10), app.user.until(&run, "completed")).await;
        assert!(ended.is_ok(), "nobody drives {:#}", app.user.get(&run).await.accepted());
    }
}

#[tokio::test]
async fn outputs_whose_client_leaves_before_the_answer_are_taken() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "x"}]});
    ask_and_leave(&app, &format!("{run}/submit_tool_outputs"), &outputs).await;
    app.user.until(&run, "completed").await;
    assert_eq!(app.user.list(&format!("{}/messages", thread_of(&run))).await.len(), 2);
}

#[tokio::test]
async fn a_cancellation_whose_client_leaves_before_the_answer_is_carried_out() {
    let app = TestApp::start().await;
    let (run, _) = app.waiting_run().await;
    ask_and_leave(&app, &format!("{run}/cancel"), &json!({})).await;
    app.user.until(&run, "cancelled").await;
}
