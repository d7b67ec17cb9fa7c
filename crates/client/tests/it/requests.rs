//! Each operation sends exactly the request that the service expects.

use cupola_client::types::Metadata;
use cupola_client::{
    MessageQuery,
    types::{
        CreateAgent, CreateRun, CreateThread, CreateThreadAndRun, ListQuery, Order, UpdateAgent, UpdateThread,
    },
    user_message,
};
use serde_json::json;

use crate::{
    objects::{agent, deleted, message, page, run, step, thread},
    server::{Answer, Server},
};

fn create_run() -> CreateRun {
    CreateRun { assistant_id: "asst_1".to_owned(), ..CreateRun::default() }
}

fn metadata() -> Metadata {
    Metadata::from_iter([("a".to_owned(), "b".to_owned())])
}

const BASE: &str = "/api/projects/demo";

#[tokio::test]
async fn agents() {
    let server = Server::start([
        Answer::json(agent("asst_1")),
        Answer::json(agent("asst_1")),
        Answer::json(agent("asst_1")),
        Answer::json(deleted("asst_1", "assistant.deleted")),
    ])
    .await;
    let agents = server.client().agents();
    let new = CreateAgent { model: "gpt-4o".to_owned(), ..CreateAgent::default() };
    assert_eq!(agents.create(&new).await.unwrap().id, "asst_1");
    assert_eq!(agents.get("asst_1").await.unwrap().name.as_deref(), Some("weather"));
    let changes = UpdateAgent { name: Some("other".to_owned()), ..UpdateAgent::default() };
    agents.update("asst_1", &changes).await.unwrap();
    assert!(agents.delete("asst_1").await.unwrap().deleted);

    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/assistants?api-version=v1"),
            format!("GET {BASE}/assistants/asst_1?api-version=v1"),
            format!("POST {BASE}/assistants/asst_1?api-version=v1"),
            format!("DELETE {BASE}/assistants/asst_1?api-version=v1"),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"model": "gpt-4o"}));
    assert_eq!(asked[2].json(), json!({"name": "other"}));
    assert_eq!(asked[1].body, "");
}

#[tokio::test]
async fn every_request_says_who_sends_it_and_what_it_takes() {
    let server = Server::start([Answer::json(thread("thread_1")), Answer::json(thread("thread_1"))]).await;
    let client = server.client();
    client.threads().create(&CreateThread::default()).await.unwrap();
    client.threads().get("thread_1").await.unwrap();

    let asked = server.asked();
    for asked in &asked {
        assert_eq!(asked.header("api-key"), "test-key");
        assert_eq!(asked.header("accept"), "application/json");
        assert!(asked.header("user-agent").starts_with("azsdk-rust-cupola-client/"), "{asked:?}");
        assert_eq!(asked.header("x-ms-client-request-id").len(), 36);
    }
    assert_eq!(asked[0].header("content-type"), "application/json");
    assert_ne!(asked[0].header("x-ms-client-request-id"), asked[1].header("x-ms-client-request-id"));
}

#[tokio::test]
async fn threads_and_messages() {
    let server = Server::start([
        Answer::json(thread("thread_1")),
        Answer::json(message("msg_1", "Hi")),
        Answer::json(message("msg_1", "Hi")),
        Answer::json(message("msg_1", "Hi")),
        Answer::json(page(&[message("msg_1", "Hi")], false)),
        Answer::json(deleted("msg_1", "thread.message.deleted")),
        Answer::json(deleted("thread_1", "thread.deleted")),
    ])
    .await;
    let client = server.client();
    let changes = UpdateThread { metadata: Some(metadata()), tool_resources: None };
    client.threads().update("thread_1", &changes).await.unwrap();
    let messages = client.messages("thread_1");
    messages.create(&user_message("Hi")).await.unwrap();
    let one = messages.get("msg_1").await.unwrap();
    assert_eq!(cupola_client::text_of(&one), "Hi");
    messages.update("msg_1", metadata()).await.unwrap();
    messages.list_page(&MessageQuery::of_run("run_1")).await.unwrap();
    messages.delete("msg_1").await.unwrap();
    client.threads().delete("thread_1").await.unwrap();

    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/threads/thread_1?api-version=v1"),
            format!("POST {BASE}/threads/thread_1/messages?api-version=v1"),
            format!("GET {BASE}/threads/thread_1/messages/msg_1?api-version=v1"),
            format!("POST {BASE}/threads/thread_1/messages/msg_1?api-version=v1"),
            format!("GET {BASE}/threads/thread_1/messages?api-version=v1&run_id=run_1"),
            format!("DELETE {BASE}/threads/thread_1/messages/msg_1?api-version=v1"),
            format!("DELETE {BASE}/threads/thread_1?api-version=v1"),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"metadata": {"a": "b"}}));
    assert_eq!(asked[1].json(), json!({"role": "user", "content": "Hi"}));
    assert_eq!(asked[3].json(), json!({"metadata": {"a": "b"}}));
}

#[tokio::test]
async fn runs_and_steps() {
    let server = Server::start([
        Answer::json(run("queued")),
        Answer::json(run("queued")),
        Answer::json(run("cancelling")),
        Answer::json(run("queued")),
        Answer::json(page(&[run("queued")], false)),
        Answer::json(page(&[step("step_1")], false)),
        Answer::json(step("step_1")),
    ])
    .await;
    let client = server.client();
    let runs = client.runs("thread_1");
    runs.create(&create_run()).await.unwrap();
    runs.update("run_1", metadata()).await.unwrap();
    runs.cancel("run_1").await.unwrap();
    client.create_thread_and_run(&CreateThreadAndRun { thread: None, run: create_run() }).await.unwrap();
    let query = ListQuery { limit: Some(5), order: Some(Order::Asc), ..ListQuery::default() };
    runs.list_page(&query).await.unwrap();
    let steps = client.run_steps("thread_1", "run_1");
    let page = steps.list_page(&ListQuery::default()).await.unwrap();
    assert_eq!(page.data[0], steps.get("step_1").await.unwrap());

    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/threads/thread_1/runs?api-version=v1"),
            format!("POST {BASE}/threads/thread_1/runs/run_1?api-version=v1"),
            format!("POST {BASE}/threads/thread_1/runs/run_1/cancel?api-version=v1"),
            format!("POST {BASE}/threads/runs?api-version=v1"),
            format!("GET {BASE}/threads/thread_1/runs?api-version=v1&limit=5&order=asc"),
            format!("GET {BASE}/threads/thread_1/runs/run_1/steps?api-version=v1"),
            format!("GET {BASE}/threads/thread_1/runs/run_1/steps/step_1?api-version=v1"),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"assistant_id": "asst_1", "stream": false}));
    assert_eq!(asked[2].body, "");
    assert_eq!(asked[2].header("content-length"), "0");
    assert_eq!(asked[3].json(), json!({"assistant_id": "asst_1", "stream": false}));
}

#[tokio::test]
async fn an_id_stays_one_part_of_the_path() {
    let server = Server::start([Answer::json(agent("asst_1"))]).await;
    let agents = server.client().agents();
    agents.get("a/b?c#d").await.unwrap();
    for wrong in ["", ".", ".."] {
        agents.delete(wrong).await.unwrap_err();
    }
    assert_eq!(server.lines(), [format!("GET {BASE}/assistants/a%2Fb%3Fc%23d?api-version=v1")]);
}
