//! `/threads/{thread}/messages`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::app::{TestApp, assert_refused};

async fn empty_thread(app: &TestApp) -> String {
    format!("/threads/{}/messages", app.user.create("/threads", json!({})).await)
}

#[tokio::test]
async fn a_message_over_rest_has_no_status_fields() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let created = app.user.post(&path, json!({"role": "user", "content": "Hi"})).await;
    assert_snapshot!(created.shown());
    let id = created.accepted()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.user.get(&format!("{path}/{id}")).await.accepted(), created.accepted());
}

#[tokio::test]
async fn a_message_of_many_blocks_with_attachments_is_echoed() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let file = app.user.upload_text("notes.md").await;
    let body = json!({
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            {"type": "image_file", "image_file": {"file_id": file, "detail": "high"}},
            {"type": "text", "text": {"value": "Done.", "annotations": []}},
        ],
        "attachments": [{"file_id": file, "tools": [{"type": "code_interpreter"}]}],
        "metadata": {"k": "v"},
        "invented_later": 1,
    });
    assert_snapshot!(app.user.post(&path, body).await.shown());
}

#[tokio::test]
async fn a_run_writes_its_answer_as_a_message_and_only_that_is_listed_for_it() {
    let app = TestApp::start().await;
    app.model.says("The answer.");
    let run = app.run(&app.agent().await).await;
    let seen = app.user.until(&run, "completed").await;
    let (thread, id) = (seen["thread_id"].as_str().unwrap(), seen["id"].as_str().unwrap());
    assert_snapshot!(app.user.get(&format!("/threads/{thread}/messages?run_id={id}")).await.shown());
    let none = app.user.list(&format!("/threads/{thread}/messages?run_id=run_unknown")).await;
    assert_eq!(none, Vec::<Value>::new());
}

#[tokio::test]
async fn an_update_replaces_the_metadata_and_nothing_else() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let body = json!({"role": "user", "content": "Hi", "metadata": {"a": "b"}});
    let id = app.user.create(&path, body).await;
    let changed =
        app.user.post(&format!("{path}/{id}"), json!({"metadata": {"c": "d"}, "content": "no"})).await;
    assert_snapshot!(changed.shown());
    let same = app.user.post(&format!("{path}/{id}"), json!({})).await;
    assert_eq!(same.accepted(), changed.accepted());
}

#[tokio::test]
async fn a_deleted_message_is_gone() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let id = app.user.create(&path, json!({"role": "user", "content": "Hi"})).await;
    assert_snapshot!(app.user.delete(&format!("{path}/{id}")).await.shown());
    let gone = format!("No message found with id '{id}'.");
    assert_refused(&app.user.get(&format!("{path}/{id}")).await, 404, &gone, None, None);
    assert_refused(&app.user.post(&format!("{path}/{id}"), json!({})).await, 404, &gone, None, None);
    assert_refused(&app.user.delete(&format!("{path}/{id}")).await, 404, &gone, None, None);
}

#[tokio::test]
async fn messages_are_refused_while_a_run_is_active() {
    let app = TestApp::start().await;
    let (run, _) = app.waiting_run().await;
    let (thread, id) = run.split_once("/runs/").unwrap();
    let name = thread.strip_prefix("/threads/").unwrap();
    let refused = app.user.post(&format!("{thread}/messages"), json!({"role": "user", "content": "x"})).await;
    let sentence = format!("Can't add messages to {name} while a run {id} is active.");
    assert_refused(&refused, 400, &sentence, None, None);
    let first = app.user.list(&format!("{thread}/messages")).await[0]["id"].as_str().unwrap().to_owned();
    let refused = app.user.delete(&format!("{thread}/messages/{first}")).await;
    let sentence = format!("Can't delete messages of {name} while a run {id} is active.");
    assert_refused(&refused, 400, &sentence, None, None);
}

#[tokio::test]
async fn a_file_that_does_not_exist_is_refused() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let image = json!([{"type": "image_file", "image_file": {"file_id": "assistant-none"}}]);
    for body in [
        json!({"role": "user", "content": image}),
        json!({"role": "user", "content": "x", "attachments": [{"file_id": "assistant-none", "tools": []}]}),
    ] {
        let refused = app.user.post(&path, body).await;
        let sentence = "No file found with id 'assistant-none'.";
        assert_refused(&refused, 400, sentence, Some("invalid_value"), None);
    }
    assert_eq!(app.user.list(&path).await.len(), 0);
}

#[tokio::test]
async fn content_that_can_not_be_understood_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let cases = [
        (
            json!([]),
            "Invalid 'content': empty array. Expected an array with minimum length 1, \
             but got an empty array instead.",
            "array_below_min_length",
            "content",
        ),
        (
            json!([{"type": "video", "video": 1}]),
            "Invalid value: 'video'. Supported values are: 'text', 'image_file' and 'image_url'.",
            "invalid_value",
            "content[0].type",
        ),
        (
            json!([{"type": "text", "text": "a"}, {"type": "text", "text": 5}]),
            "Invalid type for 'content[1].text': expected a string.",
            "invalid_type",
            "content[1].text",
        ),
        (
            json!([{"type": "text", "text": {}}]),
            "Missing required parameter: 'content[0].text.value'.",
            "missing_required_parameter",
            "content[0].text.value",
        ),
        (
            json!([{"type": "image_url", "image_url": {}}]),
            "Missing required parameter: 'content[0].image_url.url'.",
            "missing_required_parameter",
            "content[0].image_url.url",
        ),
        (
            json!([{"type": "image_file", "image_file": {}}]),
            "Missing required parameter: 'content[0].image_file.file_id'.",
            "missing_required_parameter",
            "content[0].image_file.file_id",
        ),
        (
            json!(5),
            "Invalid type for 'content': expected a string or a list of content blocks.",
            "invalid_type",
            "content",
        ),
    ];
    for (content, message, code, param) in cases {
        let refused = app.user.post(&path, json!({"role": "user", "content": content})).await;
        assert_refused(&refused, 400, message, Some(code), Some(param));
    }
}

#[tokio::test]
async fn a_block_without_a_type_is_refused_for_its_missing_type() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let refused = app.user.post(&path, json!({"role": "user", "content": [{"text": "a"}]})).await;
    let (status, _, _, param) = refused.refusal();
    assert_eq!((status, param.as_deref()), (400, Some("content[0].type")));
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_refused() {
    let app = TestApp::start().await;
    let path = empty_thread(&app).await;
    let refused = app.user.post(&path, json!({"role": "system", "content": "x"})).await;
    let (status, message, code, param) = refused.refusal();
    assert_eq!((status, code.as_deref(), param.as_deref()), (400, Some("invalid_value"), Some("role")));
    assert!(message.contains("user") && message.contains("assistant"), "{message}");
}
