//! Images and files of messages: what a model server is sent of them, and which are refused.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, response::IntoResponse, routing::post};
use cupola_models::{Catalog, ModelsConfig};
use serde_json::{Value, json};

use crate::{
    app::{Form, Setup, TestApp, assert_refused},
    responses::PATH,
};

const CONVERSATIONS: &str = "/openai/v1/conversations";
const EVENTS: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Seen.\"},\
                      \"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
const PDF: &[u8] = b"%PDF-1.4";
const PDF_ADDRESS: &str = "data:application/pdf;base64,JVBERi0xLjQ=";

/// The messages of every call of a model server.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

impl Seen {
    fn last(&self) -> Value {
        self.0.lock().unwrap().last().unwrap().clone()
    }
}

/// A service whose deployment `gpt` is a model server on a socket.
async fn with_a_server() -> (TestApp, Seen) {
    // Another test may have done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seen = Seen::default();
    let record = seen.clone();
    let handler = move |Json(body): Json<Value>| async move {
        record.0.lock().unwrap().push(body["messages"].clone());
        ([("content-type", "text/event-stream")], EVENTS).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = Router::new().route("/v1/chat/completions", post(handler));
    tokio::spawn(async move { axum::serve(listener, server).await });
    let config: ModelsConfig = serde_json::from_value(json!({
        "discover": false,
        "default": "server",
        "providers": {"server": {"kind": "openai", "base_url": base_url, "retries": 0}},
    }))
    .unwrap();
    let catalog = Arc::new(Catalog::build(&config, &|_| None).await.unwrap());
    let setup = Setup { deployments: Some(catalog.clone()), catalog: Some(catalog), ..Setup::default() };
    (TestApp::with(setup).await, seen)
}

impl TestApp {
    async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let form = Form::new().text("purpose", "user_data").file(name, bytes);
        self.user.post_form("/files", &form).await.accepted()["id"].as_str().unwrap().to_owned()
    }
}

fn user(content: Value) -> Value {
    json!({"type": "message", "role": "user", "content": content})
}

fn file(id: &str) -> Value {
    json!({"type": "input_file", "file_id": id})
}

fn image(id: &str) -> Value {
    json!({"type": "input_image", "file_id": id, "detail": "high"})
}

fn sent_pdf(name: &str) -> Value {
    json!({"type": "file", "file": {"filename": name, "file_data": PDF_ADDRESS}})
}

#[tokio::test]
async fn a_server_is_sent_uploaded_images_and_files_with_the_message() {
    let (app, seen) = with_a_server().await;
    let (picture, notes) = (app.upload("cat.jpg", b"\xff\xd8").await, app.upload("notes.md", b"# Hi").await);
    let report = app.upload("report.pdf", PDF).await;
    let question = json!({"type": "input_text", "text": "What is this?"});
    let content = json!([question, image(&picture), file(&notes), file(&report)]);
    app.ask(json!({"model": "gpt", "input": [user(content)]})).await;
    let expected = json!([{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g=", "detail": "high"}},
        {"type": "text", "text": "<file name=\"notes.md\">\n# Hi\n</file>"},
        sent_pdf("report.pdf"),
    ]}]);
    assert_eq!(seen.last(), expected);
}

#[tokio::test]
async fn a_server_is_sent_files_that_came_along() {
    let (app, seen) = with_a_server().await;
    let content = json!([
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF_ADDRESS},
        {"type": "input_file", "filename": "b.pdf", "file_data": "JVBERi0xLjQ="},
        {"type": "input_file", "filename": "c.csv", "file_data": "data:text/csv;base64,YSxi"},
    ]);
    app.ask(json!({"model": "gpt", "input": [user(content)]})).await;
    let table = json!({"type": "text", "text": "<file name=\"c.csv\">\na,b\n</file>"});
    let expected = json!([{"role": "user", "content": [sent_pdf("a.pdf"), sent_pdf("b.pdf"), table]}]);
    assert_eq!(seen.last(), expected);
}

#[tokio::test]
async fn a_file_of_a_conversation_is_sent_until_it_is_deleted() {
    let (app, seen) = with_a_server().await;
    let report = app.upload("report.pdf", PDF).await;
    let items = json!({"items": [user(json!([file(&report)]))]});
    let conversation = app.user.create(CONVERSATIONS, items).await;
    let ask = json!({"model": "gpt", "input": "And?", "conversation": conversation});
    app.ask(ask.clone()).await;
    assert_eq!(seen.last()[0], json!({"role": "user", "content": [sent_pdf("report.pdf")]}));
    app.user.delete(&format!("/files/{report}")).await.accepted();
    app.ask(ask).await;
    let gone = json!({"role": "user", "content": "[a file that is no longer available]"});
    assert_eq!(seen.last()[0], gone);
}

#[tokio::test]
async fn an_image_of_an_earlier_response_is_sent_until_it_is_deleted() {
    let (app, seen) = with_a_server().await;
    let picture = app.upload("cat.png", b"cat").await;
    let first = app.ask(json!({"model": "gpt", "input": [user(json!([image(&picture)]))]})).await;
    let follow = json!({"model": "gpt", "input": "And?", "previous_response_id": first["id"]});
    app.ask(follow.clone()).await;
    let shown = json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,Y2F0", "detail": "high"}},
    ]);
    assert_eq!(seen.last()[0], json!({"role": "user", "content": shown}));
    app.user.delete(&format!("/files/{picture}")).await.accepted();
    app.ask(follow).await;
    let gone = json!({"role": "user", "content": "[an image that is no longer available]"});
    assert_eq!(seen.last()[0], gone);
}

#[tokio::test]
async fn a_file_that_is_unknown_or_of_another_project_is_refused_where_it_is_named() {
    let app = TestApp::start().await;
    let foreign = app.user.in_project("other").upload_text("secret.txt").await;
    let call = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "a", "output": [file("assistant-none")]});
    for (items, id, place) in [
        (json!([user(json!([file("assistant-none")]))]), "assistant-none", "[0].content[0]"),
        (json!([user(json!("Hi")), user(json!([file(&foreign)]))]), &foreign, "[1].content[0]"),
        (json!([user(json!([image(&foreign)]))]), &foreign, "[0].content[0]"),
        (json!([call, output]), "assistant-none", "[1].output[0]"),
    ] {
        let message = format!("File '{id}' not found.");
        let refused = |answer, param: String| {
            assert_refused(answer, 404, &message, Some("not_found"), Some(&param));
        };
        let answer = app.user.post(PATH, json!({"model": "gpt", "input": items})).await;
        refused(&answer, format!("input{place}.file_id"));
        let answer = app.user.post(CONVERSATIONS, json!({"items": items})).await;
        refused(&answer, format!("items{place}.file_id"));
    }
}

#[tokio::test]
async fn a_file_at_an_address_is_refused_with_what_to_do_instead() {
    let app = TestApp::start().await;
    let content = json!([{"type": "input_file", "file_url": "https://files.test/a.pdf"}]);
    let answer = app.user.post(PATH, json!({"model": "gpt", "input": [user(content)]})).await;
    let message = "Invalid 'input[0].content[0].file_url': files are not fetched from addresses. Send \
                   the file itself in 'file_data', or upload it (POST files) and name it in 'file_id'.";
    let param = Some("input[0].content[0].file_url");
    assert_refused(&answer, 400, message, Some("invalid_value"), param);
}

#[tokio::test]
async fn a_file_that_is_too_large_for_a_model_is_refused() {
    let app = TestApp::start().await;
    let large = app.upload("large.bin", &vec![0; 20 * 1024 * 1024 + 1]).await;
    let answer = app.user.post(PATH, json!({"model": "gpt", "input": [user(json!([file(&large)]))]})).await;
    let (status, _, code, param) = answer.refusal();
    assert_eq!((status, code.as_deref()), (413, Some("file_too_large")));
    assert_eq!(param.as_deref(), Some("input[0].content[0].file_id"));
}
