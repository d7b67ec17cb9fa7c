//! `/files`.

use axum::body::Body;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::app::{Form, Setup, TestApp, assert_refused};

fn form() -> Form {
    Form::new().text("purpose", "assistants")
}

#[tokio::test]
async fn a_file_comes_back_byte_for_byte() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let created = app.user.post_form("/files", &form().file("data.bin", &bytes)).await;
    assert_snapshot!(created.shown());
    let id = created.accepted()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.user.get(&format!("/files/{id}")).await.accepted(), created.accepted());
    let content = app.user.get(&format!("/files/{id}/content")).await;
    assert_eq!(content.headers["content-type"], "application/octet-stream");
    assert_eq!(content.headers["content-length"], "3000000");
    assert!(content.body == bytes, "the bytes are the same");
}

#[tokio::test]
async fn the_purpose_may_come_after_the_file_and_a_name_of_its_own_wins() {
    let app = TestApp::start().await;
    let form = Form::new().file("a.txt", b"x").text("purpose", "vision").text("filename", "b.txt");
    let file = app.user.post_form("/files", &form).await.accepted();
    assert_eq!((&file["filename"], &file["purpose"]), (&json!("b.txt"), &json!("vision")));
}

#[tokio::test]
async fn files_are_listed_by_purpose_without_paging_keys() {
    let app = TestApp::start().await;
    for (name, purpose) in [("a.txt", "assistants"), ("b.png", "vision")] {
        app.user.post_form("/files", &Form::new().text("purpose", purpose).file(name, b"x")).await.accepted();
    }
    assert_snapshot!(app.user.get("/files").await.shown());
    let names = |files: Vec<Value>| files.iter().map(|file| file["filename"].clone()).collect::<Vec<_>>();
    assert_eq!(names(app.user.list("/files?purpose=vision").await), ["b.png"]);
    assert_eq!(names(app.user.list("/files?purpose=unheard").await), Vec::<Value>::new());
}

#[tokio::test]
async fn a_deleted_file_is_gone_with_its_bytes() {
    let app = TestApp::start().await;
    let id = app.user.upload_text("a.txt").await;
    assert_snapshot!(app.user.delete(&format!("/files/{id}")).await.shown());
    let gone = format!("No file found with id '{id}'.");
    for path in [format!("/files/{id}"), format!("/files/{id}/content")] {
        assert_refused(&app.user.get(&path).await, 404, &gone, None, None);
    }
    assert_refused(&app.user.delete(&format!("/files/{id}")).await, 404, &gone, None, None);
    assert_eq!(blobs(&app), 0);
}

/// How many files lie in the blobs' directory.
fn blobs(app: &TestApp) -> usize {
    let mut count = 0;
    let mut open = vec![app.home.path().join("blobs")];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { count += 1 }
        }
    }
    count
}

#[tokio::test]
async fn an_upload_that_is_refused_leaves_nothing_behind() {
    let mut setup = Setup::default();
    setup.limits.max_upload_bytes = 10;
    let app = TestApp::with(setup).await;
    let missing = |field: &str| format!("Missing required parameter: '{field}'.");
    let code = Some("missing_required_parameter");
    let refused = app.user.post_form("/files", &form()).await;
    assert_refused(&refused, 400, &missing("file"), code, Some("file"));
    let refused = app.user.post_form("/files", &Form::new()).await;
    assert_eq!(refused.status, 400);
    let refused = app.user.post_form("/files", &Form::new().file("a", b"x")).await;
    assert_refused(&refused, 400, &missing("purpose"), code, Some("purpose"));
    let refused = app.user.post_form("/files", &form().file("a", b"")).await;
    assert_refused(&refused, 400, "The file is empty.", Some("invalid_value"), Some("file"));
    let refused = app.user.post_form("/files", &Form::new().text("purpose", "fun").file("a", b"x")).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("purpose"));
    let refused = app.user.post_form("/files", &form().file("a", b"12345678901")).await;
    let sentence =
        "The file is larger than the 10 bytes that this service accepts (limits.max_upload_bytes).";
    assert_refused(&refused, 413, sentence, Some("file_too_large"), Some("file"));
    let refused = app.user.post_form("/files", &form().file(&"n".repeat(2_000), b"x")).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("filename"));
    app.user.post_form("/files", &form().file("a", b"1234567890")).await.accepted();

    assert_eq!(app.user.list("/files").await.len(), 1);
    assert_eq!(blobs(&app), 1);
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let app = TestApp::start().await;
    let refused = app.user.post("/files", json!({"file": "x"})).await;
    assert_eq!((refused.refusal().0, refused.refusal().2.as_deref()), (400, Some("invalid_value")));
    let request = app.user.request(Method::POST, "/files").header("content-type", Form::CONTENT_TYPE);
    let cut = form().file("a", &[7; 1000]).bytes()[..400].to_vec();
    let refused = app.user.send(request.body(Body::from(cut)).unwrap()).await;
    assert_eq!(refused.refusal().0, 400);
    let request = app.user.request(Method::POST, "/files").header("content-type", "multipart/form-data");
    assert_eq!(app.user.send(request.body(Body::from("x")).unwrap()).await.refusal().0, 400);
    assert_eq!(blobs(&app), 0);
}

#[tokio::test]
async fn a_name_that_looks_like_a_path_stays_a_name() {
    let app = TestApp::start().await;
    let file = app.user.post_form("/files", &form().file("../../etc/passwd", b"x")).await.accepted();
    assert!(file["filename"].as_str().unwrap().ends_with("passwd"));
    assert_eq!(blobs(&app), 1);
}
