//! Datasets: records of versions, and the data behind them as the Azure Blob client puts and gets it.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

/// Somebody who has a signed address and nothing else.
struct Holder<'a> {
    app: &'a TestApp,
    path: String,
    query: String,
}

impl<'a> Holder<'a> {
    fn of(app: &'a TestApp, answer: &Value) -> Self {
        let address = answer["blobReference"]["credential"]["sasUri"].as_str().unwrap();
        let (path, query) = address.strip_prefix("https://service").unwrap().split_once('?').unwrap();
        Self { app, path: path.to_owned(), query: query.to_owned() }
    }

    async fn send(&self, method: Method, blob: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (blob, extra) = blob.split_once('?').unwrap_or((blob, ""));
        let uri = format!("{}{blob}?{extra}&{}", self.path, self.query);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.anon.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn put(&self, blob: &str, body: &str) -> StatusCode {
        self.send(Method::PUT, blob, &[("x-ms-blob-type", "BlockBlob")], body).await.status
    }

    async fn text(&self, blob: &str) -> String {
        let answer = self.send(Method::GET, blob, &[], "").await;
        assert_eq!(answer.status, StatusCode::OK);
        String::from_utf8(answer.body.to_vec()).unwrap()
    }
}

fn code(answer: &Answer) -> &str {
    answer.headers["x-ms-error-code"].to_str().unwrap()
}

async fn post(app: &TestApp, path: &str, body: Value) -> Answer {
    let request = app.user.request(Method::POST, path).header("host", "service");
    app.user.send(request.body(body.to_string().into()).unwrap()).await
}

async fn patch(app: &TestApp, path: &str, body: Value) -> Answer {
    let request =
        app.user.request(Method::PATCH, path).header("content-type", "application/merge-patch+json");
    app.user.send(request.body(body.to_string().into()).unwrap()).await
}

/// A pending upload of version 1 of the dataset `ds`.
async fn upload(app: &TestApp) -> Value {
    let body = json!({ "pendingUploadType": "BlobReference" });
    post(app, "/datasets/ds/versions/1/startPendingUpload", body).await.accepted()
}

#[tokio::test]
async fn what_was_uploaded_is_recorded_read_and_deleted_with_its_record() {
    let app = TestApp::start().await;
    let pending = upload(&app).await;
    let writer = Holder::of(&app, &pending);
    assert_eq!(writer.put("/dir/a:b.txt", "alpha").await, StatusCode::CREATED);
    let record = json!({ "type": "uri_folder", "dataUri": pending["blobReference"]["blobUri"] });
    assert_eq!(patch(&app, "/datasets/ds/versions/1", record).await.status, StatusCode::CREATED);

    let reader = post(&app, "/datasets/ds/versions/1/credentials", json!({})).await.accepted();
    let reader = Holder::of(&app, &reader);
    assert_eq!(reader.text("/dir/a:b.txt").await, "alpha");
    let list = reader.text("?restype=container&comp=list").await;
    assert!(list.contains("<Name>dir/a:b.txt</Name>"), "{list}");
    let refused = reader.send(Method::PUT, "/x", &[], "x").await;
    assert_eq!((refused.status, code(&refused)), (StatusCode::FORBIDDEN, "AuthorizationPermissionMismatch"));

    for _ in 0..2 {
        assert_eq!(app.user.delete("/datasets/ds/versions/1").await.status, StatusCode::NO_CONTENT);
    }
    let gone = reader.send(Method::GET, "/dir/a:b.txt", &[], "").await;
    assert_eq!((gone.status, code(&gone)), (StatusCode::NOT_FOUND, "BlobNotFound"));
    assert_eq!(writer.send(Method::PUT, "/late", &[], "x").await.status, StatusCode::NOT_FOUND);
    let files = std::fs::read_dir(app.home.path().join("blobs")).unwrap();
    let left = files.flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap()).count();
    assert_eq!(left, 0, "the bytes are gone, too");
}

#[tokio::test]
async fn a_record_does_not_keep_the_signature_that_the_data_was_put_with() {
    let app = TestApp::start().await;
    let pending = upload(&app).await;
    Holder::of(&app, &pending).put("/a.txt", "alpha").await;
    let address = pending["blobReference"]["blobUri"].as_str().unwrap();
    let signed = pending["blobReference"]["credential"]["sasUri"].as_str().unwrap();
    let record = json!({ "type": "uri_folder", "dataUri": signed });
    patch(&app, "/datasets/ds/versions/1", record).await;
    assert_eq!(app.user.get("/datasets/ds/versions/1").await.accepted()["dataUri"], address);
    let reader = post(&app, "/datasets/ds/versions/1/credentials", json!({})).await.accepted();
    assert_eq!(Holder::of(&app, &reader).text("/a.txt").await, "alpha");
    // What is kept elsewhere stays as its client wrote it.
    let elsewhere = json!({ "type": "uri_file", "dataUri": "https://elsewhere.example/a?sig=x" });
    let kept = patch(&app, "/datasets/other/versions/1", elsewhere).await;
    assert_eq!(kept.json()["dataUri"], "https://elsewhere.example/a?sig=x");
}

#[tokio::test]
async fn an_address_without_a_good_signature_opens_nothing() {
    let app = TestApp::start().await;
    let mut holder = Holder::of(&app, &upload(&app).await);
    holder.put("/a", "alpha").await;
    let good = holder.query.clone();
    for query in ["", "sv=1", &good.replace("sp=racwl", "sp=racwdl"), &good.replace("sig=", "sig=A")] {
        holder.query = query.to_owned();
        let answer = holder.send(Method::GET, "/a", &[], "").await;
        assert_eq!(
            (answer.status, code(&answer)),
            (StatusCode::FORBIDDEN, "AuthenticationFailed"),
            "{query}"
        );
    }
    holder.query = good;
    holder.path = Holder::of(&app, &upload(&app).await).path;
    assert_eq!(holder.send(Method::GET, "/a", &[], "").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn blocks_become_a_blob_in_the_order_of_the_list() {
    let app = TestApp::start().await;
    let holder = Holder::of(&app, &upload(&app).await);
    for (block, text) in [("QQ%3D%3D", "first-"), ("Qg%3D%3D", "second"), ("Qw%3D%3D", "unused")] {
        assert_eq!(holder.put(&format!("/b?comp=block&blockid={block}"), text).await, StatusCode::CREATED);
    }
    let before = holder.send(Method::GET, "/b", &[], "").await;
    assert_eq!(code(&before), "BlobNotFound");
    let list = "<BlockList><Latest>Qg==</Latest><Latest>QQ==</Latest></BlockList>";
    assert_eq!(holder.put("/b?comp=blocklist", list).await, StatusCode::CREATED);
    assert_eq!(holder.text("/b").await, "secondfirst-");
    let across = holder.send(Method::GET, "/b", &[("x-ms-range", "bytes=4-8")], "").await;
    assert_eq!((across.status, &across.body[..]), (StatusCode::PARTIAL_CONTENT, b"ndfir".as_slice()));
    assert_eq!(across.headers["content-range"], "bytes 4-8/12");
    let unknown = "<BlockList><Latest>Qw==</Latest></BlockList>";
    let refused = holder.send(Method::PUT, "/b?comp=blocklist", &[], unknown).await;
    assert_eq!((refused.status, code(&refused)), (StatusCode::BAD_REQUEST, "InvalidBlockList"));
}

#[tokio::test]
async fn a_blob_is_replaced_unless_the_client_wants_a_new_one() {
    let app = TestApp::start().await;
    let holder = Holder::of(&app, &upload(&app).await);
    holder.put("/a", "one").await;
    let refused = holder.send(Method::PUT, "/a", &[("if-none-match", "*")], "two").await;
    assert_eq!((refused.status, code(&refused)), (StatusCode::CONFLICT, "BlobAlreadyExists"));
    assert_eq!(holder.text("/a").await, "one");
    assert_eq!(holder.put("/a", "three").await, StatusCode::CREATED);
    assert_eq!(holder.text("/a").await, "three");
}

#[tokio::test]
async fn an_empty_blob_has_no_range() {
    let app = TestApp::start().await;
    let holder = Holder::of(&app, &upload(&app).await);
    holder.put("/empty", "").await;
    let answer = holder.send(Method::GET, "/empty", &[("x-ms-range", "bytes=0-99")], "").await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange"));
    assert_eq!(holder.text("/empty").await, "");
}

#[tokio::test]
async fn a_patch_creates_then_merges() {
    let app = TestApp::start().await;
    let path = "/datasets/ds/versions/1";
    let created =
        patch(&app, path, json!({ "type": "uri_file", "dataUri": "https://x/y", "tags": { "a": "1" } }))
            .await;
    assert_eq!(created.status, StatusCode::CREATED);
    let merged =
        patch(&app, path, json!({ "tags": { "a": null, "b": "2" }, "name": "other", "new": 1 })).await;
    let expected = json!({
        "type": "uri_file", "dataUri": "https://x/y", "tags": { "b": "2" }, "new": 1,
        "name": "ds", "version": "1",
        "id": "azureai://accounts/cupola/projects/demo/data/ds/versions/1", "isReference": false,
    });
    assert_eq!(merged.accepted(), expected);
    assert_eq!(app.user.get(path).await.accepted(), expected);
}

#[tokio::test]
async fn lists_show_the_newest_version_of_each_and_all_versions_of_one() {
    let app = TestApp::start().await;
    for (name, version) in [("a", "1"), ("b", "1"), ("a", "2")] {
        let record = json!({ "type": "uri_file", "dataUri": "https://x/y" });
        patch(&app, &format!("/datasets/{name}/versions/{version}"), record).await;
    }
    let shown = |list: Value| -> Vec<String> {
        let text = |record: &Value| {
            format!("{}:{}", record["name"].as_str().unwrap(), record["version"].as_str().unwrap())
        };
        list["value"].as_array().unwrap().iter().map(text).collect()
    };
    assert_eq!(shown(app.user.get("/datasets").await.accepted()), ["a:2", "b:1"]);
    let request = app.user.request(Method::GET, "/datasets/a/versions").header("host", "service");
    let versions = app.user.send(request.body(Body::empty()).unwrap()).await.accepted();
    assert_eq!(shown(versions), ["a:2", "a:1"]);
}

#[tokio::test]
async fn what_no_dataset_may_be_is_refused() {
    let app = TestApp::start().await;
    for (path, record, param) in [
        ("/datasets/ds/versions/1", json!({ "dataUri": "https://x" }), "type"),
        ("/datasets/ds/versions/1", json!({ "type": "uri_file" }), "dataUri"),
        ("/datasets/ds/versions/1", json!({ "type": "table", "dataUri": "https://x" }), "type"),
        ("/datasets/ds/versions/a%20b", json!({ "type": "uri_file", "dataUri": "https://x" }), "version"),
    ] {
        let answer = patch(&app, path, record).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["param"]),
            (StatusCode::BAD_REQUEST, &json!(param))
        );
    }
    let missing = app.user.get("/datasets/none/versions/1").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let message = missing.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Could not find asset with ID"), "{message}");
}

#[tokio::test]
async fn a_record_that_points_at_the_data_of_another_does_not_take_it_along() {
    let app = TestApp::start().await;
    let pending = upload(&app).await;
    let holder = Holder::of(&app, &pending);
    holder.put("/a", "alpha").await;
    let record = json!({ "type": "uri_folder", "dataUri": pending["blobReference"]["blobUri"] });
    patch(&app, "/datasets/thief/versions/1", record).await;
    app.user.delete("/datasets/thief/versions/1").await;
    assert_eq!(holder.text("/a").await, "alpha");
}
