//! Runs that take too long.

use std::time::Duration;

use serde_json::json;

use crate::{
    app::{Setup, TestApp, assert_refused, thread_of},
    model::{Gate, Piece, words},
};

#[tokio::test]
async fn a_run_that_works_too_long_expires_and_frees_its_thread() {
    let mut setup = Setup::default();
    setup.settings.expires_after = Duration::from_millis(1500);
    let app = TestApp::with(setup).await;
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let run = app.run(&app.agent().await).await;
    let seen = app.user.until(&run, "expired").await;
    assert_eq!(seen["required_action"], json!(null));
    let messages = app.user.list(&format!("{}/messages", thread_of(&run))).await;
    assert_eq!(messages[0]["incomplete_details"]["reason"], "run_expired");
    let agent = app.agent().await;
    app.user.create(&format!("{}/runs", thread_of(&run)), json!({"assistant_id": agent})).await;
}

#[tokio::test]
async fn a_model_that_never_answers_at_all_expires_the_run() {
    let mut setup = Setup::default();
    setup.settings.expires_after = Duration::from_millis(1500);
    let app = TestApp::with(setup).await;
    app.model.then([Piece::Waits(Gate::closed())]);
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "expired").await;
    assert_eq!(app.user.list(&format!("{run}/steps")).await.len(), 0);
}

#[tokio::test]
async fn a_run_that_waits_too_long_for_outputs_expires() {
    let mut setup = Setup::default();
    setup.settings.waiting_expires_after = Duration::from_millis(1500);
    let app = TestApp::with(setup).await;
    let (run, call) = app.waiting_run().await;
    let seen = app.user.until(&run, "expired").await;
    assert_eq!(seen["required_action"], json!(null));
    let steps = app.user.list(&format!("{run}/steps")).await;
    assert_eq!(steps[0]["status"], "expired");
    let late = json!({"tool_outputs": [{"tool_call_id": call, "output": "late"}]});
    let refused = app.user.post(&format!("{run}/submit_tool_outputs"), late).await;
    assert_refused(&refused, 400, "Runs in status \"expired\" do not accept tool outputs.", None, None);
}

#[tokio::test]
async fn the_time_for_working_begins_anew_after_outputs() {
    let mut setup = Setup::default();
    setup.settings.expires_after = Duration::from_secs(100);
    setup.settings.waiting_expires_after = Duration::from_secs(1000);
    let app = TestApp::with(setup).await;
    let (run, call) = app.waiting_run().await;
    let waiting = app.user.get(&run).await.accepted();
    app.model.then([Piece::Waits(Gate::closed())]);
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "x"}]});
    let queued = app.user.post(&format!("{run}/submit_tool_outputs"), outputs).await.accepted();
    let left =
        |run: &serde_json::Value| run["expires_at"].as_i64().unwrap() - run["created_at"].as_i64().unwrap();
    assert!((1000..1010).contains(&left(&waiting)), "{waiting:#}");
    assert!((100..110).contains(&left(&queued)), "{queued:#}");
}
