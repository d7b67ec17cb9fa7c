//! `cancel`, in every state that a run can be in.

use insta::assert_snapshot;
use serde_json::json;

use crate::{
    app::{TestApp, assert_refused, thread_of},
    model::{Gate, Piece, words},
};

#[tokio::test]
async fn a_run_at_work_is_cancelled_at_once() {
    let app = TestApp::start().await;
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "in_progress").await;
    let answer = app.user.post_nothing(&format!("{run}/cancel")).await.accepted();
    assert_eq!(answer["status"], "cancelling");
    app.user.until(&run, "cancelled").await;
    assert_snapshot!(app.user.get(&run).await.shown());
}

#[tokio::test]
async fn a_run_that_waits_for_outputs_is_cancelled_with_its_step() {
    let app = TestApp::start().await;
    let (run, _) = app.waiting_run().await;
    let answer = app.user.post_nothing(&format!("{run}/cancel")).await.accepted();
    assert_eq!(answer["status"], "cancelling");
    let seen = app.user.until(&run, "cancelled").await;
    assert_eq!(seen["required_action"], json!(null));
    let steps = app.user.list(&format!("{run}/steps")).await;
    assert_eq!((steps.len(), &steps[0]["status"]), (1, &json!("cancelled")));
    // The thread is free again.
    let body = json!({"role": "user", "content": "x"});
    app.user.post(&format!("{}/messages", thread_of(&run)), body).await.accepted();
}

#[tokio::test]
async fn a_run_that_is_being_cancelled_no_longer_asks_for_outputs() {
    let app = TestApp::start().await;
    let (run, _) = app.waiting_run().await;
    let answer = app.user.post_nothing(&format!("{run}/cancel")).await.accepted();
    assert_eq!((&answer["status"], &answer["required_action"]), (&json!("cancelling"), &json!(null)));
}

#[tokio::test]
async fn a_run_that_is_over_can_not_be_cancelled() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let completed = app.run(&agent).await;
    app.user.until(&completed, "completed").await;
    app.model.refuses(cupola_models::FaultKind::Broken, "No.");
    let failed = app.run(&agent).await;
    app.user.until(&failed, "failed").await;
    let (cancelled, _) = app.waiting_run().await;
    app.user.post_nothing(&format!("{cancelled}/cancel")).await.accepted();
    app.user.until(&cancelled, "cancelled").await;
    for (run, status) in [(completed, "completed"), (failed, "failed"), (cancelled, "cancelled")] {
        let refused = app.user.post_nothing(&format!("{run}/cancel")).await;
        assert_refused(&refused, 400, &format!("Cannot cancel run with status '{status}'."), None, None);
    }
}

#[tokio::test]
async fn a_run_that_waits_for_a_free_place_is_cancelled_as_well() {
    let mut setup = crate::app::Setup::default();
    setup.settings.max_concurrent = 1;
    let app = TestApp::with(setup).await;
    let agent = app.agent().await;
    app.model.then([Piece::Waits(Gate::closed())]);
    let first = app.run(&agent).await;
    app.user.until(&first, "in_progress").await;
    let second = app.run(&agent).await;
    app.user.post_nothing(&format!("{second}/cancel")).await.accepted();
    app.user.until(&second, "cancelled").await;
    app.user.post_nothing(&format!("{first}/cancel")).await.accepted();
    app.user.until(&first, "cancelled").await;
}
