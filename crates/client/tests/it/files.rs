//! Files go up and come down byte for byte.

use std::time::Duration;

use cupola_client::{Error, FilePurpose, ProcessOptions, Upload};
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::{
    objects::{deleted, file},
    server::{Answer, Server},
};

#[tokio::test]
async fn an_upload_is_a_form_with_purpose_and_file() {
    let server = Server::start([Answer::json(file("processed"))]).await;
    let upload = Upload::bytes("say \"hi\"\n.md", "hello\r\n\0world").with_purpose(FilePurpose::Vision);
    let uploaded = server.client().files().upload(&upload).await.unwrap();
    assert_eq!(uploaded.id, "assistant-1");

    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /api/projects/demo/files?api-version=v1");
    let boundary = asked.header("content-type").strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = [
        format!("--{boundary}"),
        "Content-Disposition: form-data; name=\"purpose\"".to_owned(),
        String::new(),
        "vision".to_owned(),
        format!("--{boundary}"),
        "Content-Disposition: form-data; name=\"file\"; filename=\"say %22hi%22%0A.md\"".to_owned(),
        "Content-Type: application/octet-stream".to_owned(),
        String::new(),
        "hello\r\n\0world".to_owned(),
        format!("--{boundary}--"),
        String::new(),
    ];
    assert_eq!(asked.body, expected.join("\r\n"));
    assert_eq!(asked.header("content-length"), asked.body.len().to_string());
}

#[tokio::test]
async fn a_file_on_disk_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.md");
    std::fs::write(&path, "hello").unwrap();
    let server = Server::start([Answer::json(file("processed"))]).await;
    server.client().files().upload(&Upload::path(&path).await.unwrap()).await.unwrap();
    let body = String::from_utf8(server.asked()[0].body.to_vec()).unwrap();
    assert!(body.contains("filename=\"notes.md\"") && body.contains("\r\n\r\nhello\r\n"), "{body}");

    let error = Upload::path(folder.path().join("missing")).await.unwrap_err();
    assert!(matches!(error, Error::File { ref path, .. } if path.ends_with("missing")), "{error:?}");
}

#[tokio::test]
async fn an_upload_is_waited_for_until_it_is_processed() {
    let server =
        Server::start(["uploaded", "running", "processed"].map(|status| Answer::json(file(status)))).await;
    let options = ProcessOptions { poll_interval: Duration::from_millis(1), ..ProcessOptions::default() };
    let files = server.client().files().with_options(options);
    let ready = files.upload_and_poll(&Upload::bytes("a.md", "hello world")).await.unwrap();
    assert_eq!(ready.status.as_deref(), Some("processed"));
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn content_comes_as_it_is() {
    let server =
        Server::start([Answer::bytes(&["hello ", "world"]), Answer::bytes(&["hello ", "world"])]).await;
    let files = server.client().files();
    let pieces: Vec<bytes::Bytes> = files.content("assistant-1").await.unwrap().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"hello world");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.md");
    assert_eq!(files.save("assistant-1", &path).await.unwrap(), 11);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello world");

    let asked = &server.asked()[0];
    assert_eq!(asked.line, "GET /api/projects/demo/files/assistant-1/content?api-version=v1");
    assert_eq!(asked.header("accept"), "application/octet-stream");
}

#[tokio::test]
async fn files_are_listed_by_purpose_and_deleted() {
    let list = || Answer::json(json!({"object": "list", "data": [file("processed")]}));
    let server = Server::start([list(), list(), Answer::json(deleted("assistant-1", "file"))]).await;
    let files = server.client().files();
    assert_eq!(files.list(None).await.unwrap().len(), 1);
    files.list(Some(FilePurpose::AssistantsOutput)).await.unwrap();
    files.delete("assistant-1").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /api/projects/demo/files?api-version=v1",
            "GET /api/projects/demo/files?api-version=v1&purpose=assistants_output",
            "DELETE /api/projects/demo/files/assistant-1?api-version=v1",
        ]
    );
}
