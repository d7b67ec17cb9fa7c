//! Stores that come with agents and threads, and files that come with messages.

use serde_json::{Value, json};

use crate::app::{Setup, TestApp, assert_refused};

fn attachment(file: &str) -> Value {
    json!({"file_id": file, "tools": [{"type": "file_search"}]})
}

fn message(file: &str) -> Value {
    json!({"role": "user", "content": "Look", "attachments": [attachment(file)]})
}

/// The only store that an agent or a thread has.
async fn store_of(app: &TestApp, path: &str) -> Value {
    let object = app.user.get(path).await.accepted();
    let ids = object["tool_resources"]["file_search"]["vector_store_ids"].clone();
    assert_eq!(ids.as_array().unwrap().len(), 1, "{object}");
    let store = ids[0].as_str().unwrap();
    app.settled(store).await;
    app.user.get(&format!("/vector_stores/{store}")).await.accepted()
}

#[tokio::test]
async fn an_agent_may_come_with_a_store() {
    let app = TestApp::start().await;
    let file = app.user.upload_text("a.txt").await;
    let size = json!({"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}});
    let asked = json!({"file_ids": [file], "metadata": {"k": "v"}, "chunking_strategy": size});
    let resources = json!({"file_search": {"vector_stores": [asked]}});
    let body = json!({"model": "gpt", "tools": [{"type": "file_search"}], "tool_resources": resources});
    let agent = app.user.post("/assistants", body).await.accepted();
    assert_eq!(agent["tool_resources"]["file_search"].get("vector_stores"), None);
    let store = store_of(&app, &format!("/assistants/{}", agent["id"].as_str().unwrap())).await;
    assert_eq!((&store["metadata"], &store["expires_after"]), (&json!({"k": "v"}), &json!(null)));
    assert_eq!(store["file_counts"]["completed"], 1);

    let other = json!({"tool_resources": {"file_search": {"vector_stores": [{"name": "next"}]}}});
    let path = format!("/assistants/{}", agent["id"].as_str().unwrap());
    app.user.post(&path, other).await.accepted();
    assert_eq!(store_of(&app, &path).await["name"], "next");
}

#[tokio::test]
async fn the_store_of_a_thread_expires_a_week_after_its_last_use() {
    let app = TestApp::start().await;
    let file = app.user.upload_text("a.txt").await;
    let resources = json!({"file_search": {"vector_stores": [{"file_ids": [file]}]}});
    let thread = app.user.create("/threads", json!({"tool_resources": resources})).await;
    let store = store_of(&app, &format!("/threads/{thread}")).await;
    assert_eq!(store["expires_after"], json!({"anchor": "last_active_at", "days": 7}));
    assert_eq!(store["file_counts"]["completed"], 1);
}

#[tokio::test]
async fn what_is_asked_for_must_make_sense() {
    let app = TestApp::start().await;
    let cases = [
        (
            json!({"vector_stores": [{"file_ids": ["nowhere"]}]}),
            "tool_resources.file_search.vector_stores[0].file_ids",
        ),
        (json!({"vector_stores": [{"name": 5}]}), "tool_resources.file_search.vector_stores[0].name"),
        (json!({"vector_stores": [{}, {}]}), "tool_resources.file_search.vector_stores"),
        (
            json!({"vector_stores": [{}], "vector_store_ids": ["vs_1"]}),
            "tool_resources.file_search.vector_stores",
        ),
    ];
    for (asked, param) in cases {
        let body = json!({"model": "gpt", "tool_resources": {"file_search": asked}});
        let refused = app.user.post("/assistants", body.clone()).await;
        assert_eq!(refused.refusal().3.as_deref(), Some(param), "{body}");
        let refused = app.user.post("/threads", json!({"tool_resources": body["tool_resources"]})).await;
        assert_eq!(refused.refusal().3.as_deref(), Some(param), "{body}");
    }
    assert_eq!(app.user.list("/vector_stores").await, Vec::<Value>::new());
    assert_eq!(app.user.list("/assistants").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_file_of_a_message_goes_into_the_store_of_its_thread() {
    let app = TestApp::start().await;
    let (one, two) = (app.user.upload_text("a.txt").await, app.user.upload_text("b.txt").await);
    let thread = app.user.create("/threads", json!({})).await;
    let path = format!("/threads/{thread}");
    app.user.post(&format!("{path}/messages"), message(&one)).await.accepted();
    let first = store_of(&app, &path).await;
    assert_eq!((&first["expires_after"]["days"], &first["file_counts"]["total"]), (&json!(7), &json!(1)));
    app.user.post(&format!("{path}/messages"), message(&two)).await.accepted();
    let second = store_of(&app, &path).await;
    assert_eq!((&second["id"], &second["file_counts"]["completed"]), (&first["id"], &json!(2)));
    // Its own tools look at other files.
    let other = json!({"file_id": one, "tools": [{"type": "code_interpreter"}]});
    let plain = json!({"role": "user", "content": "x", "attachments": [other]});
    let bare = app.user.create("/threads", json!({"messages": [plain]})).await;
    let resources = json!({"code_interpreter": {"file_ids": [one]}});
    assert_eq!(app.user.get(&format!("/threads/{bare}")).await.accepted()["tool_resources"], resources);
}

#[tokio::test]
async fn a_thread_whose_store_is_gone_gets_another() {
    let app = TestApp::start().await;
    let (one, two) = (app.user.upload_text("a.txt").await, app.user.upload_text("b.txt").await);
    let thread = app.user.create("/threads", json!({"messages": [message(&one)]})).await;
    let path = format!("/threads/{thread}");
    let first = store_of(&app, &path).await;
    app.user.delete(&format!("/vector_stores/{}", first["id"].as_str().unwrap())).await.accepted();
    app.user.post(&format!("{path}/messages"), message(&two)).await.accepted();
    let second = store_of(&app, &path).await;
    assert_ne!(first["id"], second["id"]);
    assert_eq!(second["file_counts"]["total"], 1);
}

#[tokio::test]
async fn files_of_first_messages_join_the_store_that_the_thread_asks_for() {
    let app = TestApp::start().await;
    let (one, two) = (app.user.upload_text("a.txt").await, app.user.upload_text("b.txt").await);
    let resources = json!({"file_search": {"vector_stores": [{"file_ids": [one]}]}});
    let body = json!({"messages": [message(&one), message(&two)], "tool_resources": resources});
    let agent = app.agent().await;
    let run = app.user.post("/threads/runs", json!({"assistant_id": agent, "thread": body})).await.accepted();
    let thread = run["thread_id"].as_str().unwrap();
    assert_eq!(store_of(&app, &format!("/threads/{thread}")).await["file_counts"]["completed"], 2);
}

#[tokio::test]
async fn files_of_additional_messages_join_the_store_of_the_thread() {
    let app = TestApp::start().await;
    let (agent, thread) = (app.agent().await, app.thread().await);
    let file = app.user.upload_text("a.txt").await;
    let body = json!({"assistant_id": agent, "additional_messages": [message(&file)]});
    app.user.post(&format!("/threads/{thread}/runs"), body).await.accepted();
    assert_eq!(store_of(&app, &format!("/threads/{thread}")).await["file_counts"]["completed"], 1);
}

#[tokio::test]
async fn a_message_whose_file_can_not_be_searched_is_refused() {
    let app = TestApp::start().await;
    let (table, thread) = (app.user.upload_text("a.csv").await, app.thread().await);
    let path = format!("/threads/{thread}");
    let refused = app.user.post(&format!("{path}/messages"), message(&table)).await;
    assert_eq!(
        (refused.refusal().2.as_deref(), refused.refusal().3.as_deref()),
        (Some("unsupported_file"), Some("attachments"))
    );
    let refused = app.user.post(&format!("{path}/messages"), message("nowhere")).await;
    assert_refused(&refused, 404, "No file found with id 'nowhere'.", None, Some("attachments"));
    assert_eq!(app.user.list(&format!("{path}/messages")).await.len(), 1);
    assert_eq!(app.user.list("/vector_stores").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_run_finds_what_came_with_the_message_before_it() {
    let app = TestApp::with(Setup { searches_own_stores: true, ..Setup::default() }).await;
    let agent = app.agent_with(json!([{"type": "file_search"}])).await;
    let file = app.user.upload("birds.txt", b"The heron fishes in shallow water.").await;
    app.model.calls("file_search", r#"{"queries":["heron"]}"#);
    let thread = app.user.create("/threads", json!({"messages": [message(&file)]})).await;
    let run = app.user.create(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    let run = format!("/threads/{thread}/runs/{run}");
    app.user.until(&run, "completed").await;
    let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
    let results = &steps[0]["step_details"]["tool_calls"][0]["file_search"]["results"];
    assert_eq!((&results[0]["file_id"], &results[0]["file_name"]), (&json!(file), &json!("birds.txt")));
}
