//! Responses in the background: accepted at once, polled, cancelled.

use cupola_models::FaultKind;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    model::{Gate, Piece, words},
    named_agents::refusal,
    responses::{PATH, path_of},
};

fn in_background() -> Value {
    json!({"model": "gpt", "input": "Hi", "background": true})
}

/// The path of a response that waits for its model behind a first word.
async fn waiting(app: &TestApp) -> String {
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let path = path_of(&app.ask(in_background()).await);
    app.user.until(&path, "in_progress").await;
    path
}

#[tokio::test]
async fn it_is_answered_queued_and_completes_by_itself() {
    let app = TestApp::start().await;
    let queued = app.user.post(PATH, in_background()).await;
    assert_snapshot!(queued.shown());
    let seen = app.user.until(&path_of(&queued.accepted()), "completed").await;
    assert_eq!(seen["output"][0]["content"][0]["text"], "Hello.");
    assert_eq!(seen["usage"]["total_tokens"], 13);
}

#[tokio::test]
async fn a_failure_is_told_by_the_response() {
    let app = TestApp::start().await;
    app.model.refuses(FaultKind::RateLimited, "Fewer requests, please.");
    let path = path_of(&app.ask(in_background()).await);
    app.user.until(&path, "failed").await;
    assert_snapshot!(app.user.get(&path).await.shown());
}

#[tokio::test]
async fn it_is_cancelled_at_once_and_keeps_what_was_said() {
    let app = TestApp::start().await;
    let path = waiting(&app).await;
    let cancelled = app.user.post_nothing(&format!("{path}/cancel")).await;
    assert_eq!(cancelled.accepted()["status"], "cancelled");
    assert_eq!(app.user.get(&path).await.accepted(), cancelled.accepted());
    let again = app.user.post_nothing(&format!("{path}/cancel")).await;
    assert_eq!(again.accepted(), cancelled.accepted(), "once more changes nothing");
}

#[tokio::test]
async fn what_is_over_or_was_waited_for_can_not_be_cancelled() {
    let app = TestApp::start().await;
    let foreground = path_of(&app.ask(json!({"model": "gpt", "input": "Hi"})).await);
    let refused = app.user.post_nothing(&format!("{foreground}/cancel")).await;
    assert_eq!(refusal(&refused), (400, "invalid_payload".to_owned(), None));
    assert_eq!(refused.json()["error"]["message"], "Cannot cancel a synchronous response.");

    let completed = path_of(&app.ask(in_background()).await);
    app.user.until(&completed, "completed").await;
    let refused = app.user.post_nothing(&format!("{completed}/cancel")).await;
    assert_eq!(refused.json()["error"]["message"], "Cannot cancel a completed response.");
}

#[tokio::test]
async fn a_response_at_work_can_be_deleted_and_stays_gone() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(gate.clone())]));
    let path = path_of(&app.ask(in_background()).await);
    app.user.until(&path, "in_progress").await;
    app.user.delete(&path).await.accepted();
    gate.open();
    // Whatever comes after it, the service goes on and the response does not come back.
    app.ask(json!({"model": "gpt", "input": "Hi"})).await;
    assert_eq!(app.user.get(&path).await.status, 404);
    assert_eq!(app.user.get(&format!("{path}?stream=true")).await.status, 404);
}

#[tokio::test]
async fn it_has_to_be_stored() {
    let app = TestApp::start().await;
    let mut body = in_background();
    body["store"] = json!(false);
    let refused = app.user.post(PATH, body).await;
    assert_eq!(refusal(&refused), (400, "invalid_value".to_owned(), Some("store".to_owned())));
}

#[tokio::test]
async fn only_the_background_is_streamed_again_and_only_from_a_number() {
    let app = TestApp::start().await;
    let foreground = path_of(&app.ask(json!({"model": "gpt", "input": "Hi"})).await);
    let refused = app.user.get(&format!("{foreground}?stream=true")).await;
    assert_eq!(refusal(&refused), (400, "invalid_value".to_owned(), Some("stream".to_owned())));
    let background = path_of(&app.ask(in_background()).await);
    let refused = app.user.get(&format!("{background}?stream=true&starting_after=x")).await;
    assert_eq!(refusal(&refused), (400, "invalid_type".to_owned(), Some("starting_after".to_owned())));
}
