//! `/threads`.

use insta::assert_snapshot;
use serde_json::json;

use crate::app::{TestApp, assert_refused};

#[tokio::test]
async fn a_thread_needs_no_body() {
    let app = TestApp::start().await;
    assert_snapshot!(app.user.post_nothing("/threads").await.shown());
}

#[tokio::test]
async fn a_thread_is_echoed_and_holds_its_first_messages_in_order() {
    let app = TestApp::start().await;
    let body = json!({
        "messages": [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": [{"type": "text", "text": "Three"}]},
        ],
        "metadata": {"a": "b"},
        "tool_resources": {"file_search": {"vector_store_ids": ["vs_1"]}},
        "invented_later": true,
    });
    let created = app.user.post("/threads", body).await;
    assert_snapshot!(created.shown());
    let thread = created.accepted();
    let path = format!("/threads/{}", thread["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), thread);
    let messages = app.user.list(&format!("{path}/messages?order=asc")).await;
    let texts: Vec<&str> =
        messages.iter().map(|m| m["content"][0]["text"]["value"].as_str().unwrap()).collect();
    assert_eq!(texts, ["One", "Two", "Three"]);
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let app = TestApp::start().await;
    let id = app.user.create("/threads", json!({"metadata": {"a": "b"}, "tool_resources": {"x": {}}})).await;
    let path = format!("/threads/{id}");
    assert_snapshot!(app.user.post(&path, json!({"metadata": {"c": "d"}})).await.shown());
    let thread = app.user.post(&path, json!({"tool_resources": {}})).await.accepted();
    assert_eq!((&thread["metadata"], &thread["tool_resources"]), (&json!({"c": "d"}), &json!({})));
    assert_eq!(app.user.get(&path).await.accepted(), thread);
}

#[tokio::test]
async fn a_deleted_thread_is_gone_with_everything_in_it() {
    let app = TestApp::start().await;
    let run = app.run(&app.agent().await).await;
    let seen = app.user.until(&run, "completed").await;
    let thread = seen["thread_id"].as_str().unwrap();
    let message = app.user.list(&format!("/threads/{thread}/messages")).await[0]["id"].clone();
    let path = format!("/threads/{thread}");
    assert_snapshot!(app.user.delete(&path).await.shown());
    let gone = format!("No thread found with id '{thread}'.");
    let within = [
        String::new(),
        "/messages".to_owned(),
        format!("/messages/{}", message.as_str().unwrap()),
        "/runs".to_owned(),
        format!("/runs/{}", seen["id"].as_str().unwrap()),
        format!("/runs/{}/steps", seen["id"].as_str().unwrap()),
    ];
    for rest in within {
        assert_refused(&app.user.get(&format!("{path}{rest}")).await, 404, &gone, None, None);
    }
    let message = json!({"role": "user", "content": "x"});
    assert_refused(&app.user.post(&format!("{path}/messages"), message).await, 404, &gone, None, None);
    let agent = app.agent().await;
    let run = json!({"assistant_id": agent});
    assert_refused(&app.user.post(&format!("{path}/runs"), run).await, 404, &gone, None, None);
    assert_refused(&app.user.delete(&path).await, 404, &gone, None, None);
}

#[tokio::test]
async fn a_message_of_another_thread_is_not_found_in_this_one() {
    let app = TestApp::start().await;
    let (one, other) = (app.thread().await, app.thread().await);
    let message = app.user.list(&format!("/threads/{other}/messages")).await[0]["id"].clone();
    let message = message.as_str().unwrap();
    let answer = app.user.get(&format!("/threads/{one}/messages/{message}")).await;
    assert_refused(&answer, 404, &format!("No message found with id '{message}'."), None, None);
    let answer = app.user.delete(&format!("/threads/{one}/messages/{message}")).await;
    assert_refused(&answer, 404, &format!("No message found with id '{message}'."), None, None);
}

#[tokio::test]
async fn a_first_message_that_is_wrong_is_named_by_its_place() {
    let app = TestApp::start().await;
    let good = json!({"role": "user", "content": "x"});
    let long = json!({"role": "user", "content": "x", "metadata": {"k": "v".repeat(513)}});
    let refused = app.user.post("/threads", json!({"messages": [good, long]})).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("messages[1].metadata.k"));
    assert_eq!(app.user.list("/threads").await.len(), 0, "nothing was created");
    let agent = app.agent().await;
    let body = json!({"assistant_id": agent, "thread": {"messages": [good, long]}});
    let refused = app.user.post("/threads/runs", body).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("thread.messages[1].metadata.k"));
}
