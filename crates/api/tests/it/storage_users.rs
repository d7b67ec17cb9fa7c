//! What hosted containers keep is its user's alone.

use cupola_api::{Call, Sandbox};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, TestApp},
    named_agents::refusal,
    storage::{PATH, answered, begun, creation, path_of, question},
};

const CALL_ID: &str = "x-agent-foundry-call-id";
const USER: &str = "x-ms-user-identity";

/// The container of this session of the agent `echo`, as it answers a call of this user.
fn container(app: &TestApp, session: &str, user: &str) -> Actor {
    let id = format!("call-{session}-{user}");
    let call = Call {
        user: user.to_owned(),
        agent: "echo".to_owned(),
        version: "3".to_owned(),
        session: session.to_owned(),
    };
    app.service.calls().register(id.as_str(), call, app.service.clock().now());
    idle_container(app, session).with_header(CALL_ID, &id)
}

/// The same container when it names no call.
fn idle_container(app: &TestApp, session: &str) -> Actor {
    app.somebody(&sandbox("echo", session).subject())
}

fn sandbox(agent: &str, session: &str) -> Sandbox {
    Sandbox { agent: agent.to_owned(), version: "3".to_owned(), session: session.to_owned() }
}

/// A response that was made for Ann.
async fn response_of_ann(app: &TestApp) -> (Value, Value) {
    let (response, asked) = (answered(&begun(), "Echo: Hi"), question("Hi"));
    let creation = creation(&response, std::slice::from_ref(&asked));
    container(app, "s1", "ann").post(PATH, creation).await.created();
    (response, asked)
}

#[tokio::test]
async fn a_response_is_found_by_its_user_through_every_container_and_from_outside() {
    let app = TestApp::start().await;
    let (response, _) = response_of_ann(&app).await;
    let openai = format!("/openai/v1/responses/{}", response["id"].as_str().unwrap());
    for session in ["s1", "s2"] {
        let seen = container(&app, session, "ann").get(&path_of(&response)).await.accepted();
        assert_eq!(seen, response);
    }
    assert_eq!(app.somebody("ann").get(&openai).await.accepted(), response);
    assert_eq!(app.user.with_header(USER, "ann").get(&openai).await.accepted(), response);
}

#[tokio::test]
async fn for_another_user_a_response_does_not_exist() {
    let app = TestApp::start().await;
    let (response, asked) = response_of_ann(&app).await;
    let bob = container(&app, "s2", "bob");
    assert_snapshot!(bob.get(&path_of(&response)).await.shown());

    let id = response["id"].as_str().unwrap();
    let openai = format!("/openai/v1/responses/{id}");
    let (outside, delegated) = (app.somebody("bob"), app.user.with_header(USER, "bob"));
    let following = json!({"model": "gpt", "input": "What did I say?", "previous_response_id": id});
    for refused in [
        bob.post(&path_of(&response), response.clone()).await,
        bob.delete(&path_of(&response)).await,
        bob.get(&format!("{}/input_items", path_of(&response))).await,
        bob.get(&format!("/storage/history/item_ids?previous_response_id={id}")).await,
        outside.get(&openai).await,
        outside.get(&format!("{openai}/input_items")).await,
        outside.post(&format!("{openai}/cancel"), json!({})).await,
        outside.delete(&openai).await,
        outside.post("/openai/v1/responses", following.clone()).await,
        outside.post("/openai/v1/responses/input_tokens", following).await,
        delegated.get(&openai).await,
    ] {
        assert_eq!(refusal(&refused), (404, "not_found".to_owned(), None));
    }
    assert_eq!(outside.list("/openai/v1/responses").await, Vec::<Value>::new());
    let items = json!({"item_ids": [asked["id"], response["output"][0]["id"]]});
    let found = bob.post("/storage/items/batch/retrieve", items).await.accepted();
    assert_eq!(found, json!([null, null]));
    // The attempts have changed nothing for Ann.
    assert_eq!(app.somebody("ann").get(&openai).await.accepted(), response);
}

#[tokio::test]
async fn a_container_without_a_call_sees_what_was_made_for_its_session() {
    let app = TestApp::start().await;
    let (response, _) = response_of_ann(&app).await;
    assert_eq!(idle_container(&app, "s1").get(&path_of(&response)).await.accepted(), response);
    assert_eq!(idle_container(&app, "s2").get(&path_of(&response)).await.status, 404);
    let another = app.somebody(&sandbox("other", "s1").subject());
    assert_eq!(another.get(&path_of(&response)).await.status, 404);
}

#[tokio::test]
async fn a_container_that_knows_no_calls_keeps_a_response_for_the_user_it_was_asked_by() {
    let app = TestApp::start().await;
    let response = begun();
    let call = Call { user: "ann".into(), agent: "echo".into(), version: "3".into(), session: "s1".into() };
    let id = response["id"].as_str().unwrap();
    app.service.calls().register(id, call, app.service.clock().now());
    idle_container(&app, "s1").post(PATH, creation(&response, &[])).await.created();
    assert_eq!(app.somebody("ann").get(&format!("/openai/v1/responses/{id}")).await.accepted(), response);
}

#[tokio::test]
async fn a_call_that_has_made_a_response_is_known_after_it_was_forgotten() {
    let app = TestApp::start().await;
    let response = begun();
    let container = container(&app, "s1", "ann");
    container.post(PATH, creation(&response, &[])).await.created();
    app.service.calls().forget("call-s1-ann");
    let ended = answered(&response, "Echo: Hi");
    assert_eq!(container.post(&path_of(&response), ended.clone()).await.accepted(), ended);
}

#[tokio::test]
async fn a_call_that_nobody_made_is_refused() {
    let app = TestApp::start().await;
    let stranger = app.user.with_header(CALL_ID, "made-up");
    assert_snapshot!(stranger.post(PATH, creation(&begun(), &[])).await.shown());
    // Nor can a container use the call of another agent.
    container(&app, "s1", "ann");
    let thief = app.somebody(&sandbox("other", "s1").subject()).with_header(CALL_ID, "call-s1-ann");
    let refused = thief.post(PATH, creation(&begun(), &[])).await;
    assert_eq!(refusal(&refused), (403, "call_not_known".to_owned(), None));
}

#[tokio::test]
async fn a_user_is_named_by_a_word_that_can_be_one() {
    let app = TestApp::start().await;
    for user in ["ann smith", "ann/smith", &"a".repeat(257)] {
        let refused = app.user.with_header(USER, user).get("/openai/v1/responses").await;
        assert_eq!(refusal(&refused), (400, "invalid_value".to_owned(), Some(USER.to_owned())), "{user}");
    }
}
